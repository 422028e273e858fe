/** From keys to codes: what is typed up to Enter, Tab or silence. */
import { SYN, TYPE, type InputEvent } from './codec.js'
import { CAPS_LED, characterOf, CHORD, KEY, SHIFT } from './keys.js'

export type End = 'enter' | 'tab' | 'none'

/**
 * Why a code was lost. `overrun`: the kernel had no room for its events. `late`: it stopped half-way. `broken`: keys
 * or bytes of it are missing. `unreadable`: a key that means no character. `long`: more than any code has.
 */
export type Loss = 'overrun' | 'late' | 'broken' | 'unreadable' | 'long'

export type Outcome = { readonly text: string } | { readonly lost: Loss }

export interface TypingOptions {
  /** What ends a code besides Enter, which always does: nothing, Tab, or `none` silence. */
  readonly end: End
  /** Silence between two keys after which a code is over (end `none`) or lost. */
  readonly timeoutMs: number
  /** Characters of the longest code. */
  readonly most: number
}

/** One code in the making. Whatever leaves doubt spoils it up to its end: half a code is another code. */
export class Typing {
  readonly #end: End
  readonly #timeoutUs: number
  readonly #most: number
  #text = ''
  #spoilt: Loss | undefined
  /** Events after an overrun mean nothing up to the next report. [WEDGE §1.2] */
  #deaf = false
  readonly #down = new Set<number>()
  #caps = false
  #lastUs: number | undefined

  constructor({ end, timeoutMs, most }: TypingOptions) {
    this.#end = end
    this.#timeoutUs = timeoutMs * 1_000
    this.#most = most
  }

  /** Something was typed, or lost, that nothing has ended yet: then `silent` is to be called after the time-out. */
  get begun(): boolean {
    return this.#text !== '' || this.#spoilt !== undefined
  }

  /** Characters kept. */
  get held(): number {
    return this.#text.length
  }

  /** Takes the next event. Tells when it ended a code, good or lost. */
  take(event: InputEvent | 'gap'): Outcome | undefined {
    if (event === 'gap') {
      if (this.#text !== '') this.#spoilt ??= 'broken'
    } else if (event.type === TYPE.syn) {
      this.#synchronise(event.code)
    } else if (!this.#deaf) {
      if (event.type === TYPE.led && event.code === CAPS_LED) this.#caps = event.value === 1
      if (event.type === TYPE.key) return this.#key(event)
    }
    return undefined
  }

  /** Nothing came for the time-out. */
  silent(): Outcome | undefined {
    if (this.#end !== 'none') this.#spoilt ??= 'late'
    return this.#finish()
  }

  #synchronise(code: number): void {
    this.#deaf = code === SYN.dropped
    if (!this.#deaf) return
    // Which keys are down is unknown now, and the beginning of a code may be among what was lost.
    this.#down.clear()
    this.#spoilt = 'overrun'
  }

  #key({ timeUs, code, value }: InputEvent): Outcome | undefined {
    if (value === 2) return undefined // The kernel's auto-repeat: the reader pressed once.
    const sinceUs = timeUs - (this.#lastUs ?? timeUs)
    this.#lastUs = timeUs
    // Back in time: a stream that begins anew. What is half typed, and which keys are down, belongs to the old one.
    const before = sinceUs < 0 ? this.#lose('broken') : undefined
    if (sinceUs < 0) this.#down.clear()
    if (value === 0) {
      this.#down.delete(code)
      return before
    }
    const late = sinceUs > this.#timeoutUs && this.begun ? this.silent() : undefined
    // The kernel tells no press of a key that is down. At the same moment it is a stream that begins anew; later, the
    // release is missing, and who knows what else.
    const isDown = this.#down.has(code)
    const again = isDown && sinceUs === 0 ? this.#lose('broken') : undefined
    if (isDown && this.begun) this.#spoilt ??= 'broken'
    this.#down.add(code)
    const ended = this.#press(code)
    return before ?? late ?? again ?? ended
  }

  #press(code: number): Outcome | undefined {
    if (code === KEY.enter || code === KEY.keypadEnter || (code === KEY.tab && this.#end === 'tab'))
      return this.#finish()
    if (code === KEY.capsLock) this.#caps = !this.#caps
    else if (code === KEY.backspace) this.#text = this.#text.slice(0, -1)
    else if (code === KEY.escape) this.#clear()
    else if (!isSilent(code)) this.#write(code === KEY.tab ? '\t' : this.#character(code))
    return undefined
  }

  #character(code: number): string | undefined {
    return characterOf(code, this.#isDown(SHIFT), this.#caps)
  }

  #write(character: string | undefined): void {
    if (this.#isDown(CHORD)) this.#spoilt ??= 'unreadable'
    else if (character !== undefined) this.#text += character
    // A function or arrow key in front of a code is the reader's own greeting.
    else if (this.#text !== '') this.#spoilt ??= 'unreadable'
    if (this.#text.length <= this.#most) return
    this.#spoilt ??= 'long'
    this.#text = ''
  }

  #isDown(keys: readonly number[]): boolean {
    return keys.some((key) => this.#down.has(key))
  }

  #lose(why: Loss): Outcome | undefined {
    if (!this.begun) return undefined
    this.#spoilt ??= why
    return this.#finish()
  }

  #finish(): Outcome | undefined {
    const outcome = this.#spoilt ? { lost: this.#spoilt } : this.#text === '' ? undefined : { text: this.#text }
    this.#clear()
    return outcome
  }

  #clear(): void {
    this.#text = ''
    this.#spoilt = undefined
  }
}

/** Modifiers and locks: they write nothing by themselves. */
function isSilent(code: number): boolean {
  return SHIFT.includes(code) || CHORD.includes(code) || code === KEY.numLock || code === KEY.scrollLock
}
