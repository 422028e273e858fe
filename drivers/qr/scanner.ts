/** The conversation with the scanner: its set-up, the trigger, its light, and the codes that come meanwhile. */
import { ProtocolError, TransportError, type Moment, type ReaderSession, type Verdict } from '../../src/driver.js'
import { readZone, saveZones, ScanDecoder, writeZone, type Decoded, type Reply } from './codec.js'
import type { Config } from './config.js'
import { Inbox } from './inbox.js'
import { modeOf, settingsOf, SINGLE_READ, withLight, ZONE, type Setting } from './zones.js'

/** [QR §2.2] */
const REPLY_MS = 500
const TRIES = 3
/** Between a code and the next trigger: as often as continuous mode would read. */
const RETRIGGER_MS = 500
/** A read ends by itself after this; then comes the next trigger. */
const READ_MS = SINGLE_READ * 100 + 500
/** So many triggers without an answer, from a scanner that answered before, and it is gone. */
const MOST_UNANSWERED = 3
/** Half a line that is older than this belongs to no code. */
const STALE_MS = 1_000
/** Flashes of the light for each verdict, in milliseconds. */
const FLASHES: Readonly<Record<Verdict, readonly number[]>> = { accepted: [200], repeat: [200, 200], unknown: [1_000], refused: [100, 100, 100] } // prettier-ignore
const DARK_MS = 150

export interface Heard {
  readonly text: string
  readonly arrived: Moment
}
type Answer = Reply | 'none' | 'over'

export class Scanner {
  readonly #session: ReaderSession<Config, 'bytes'>
  readonly #inbox: Inbox
  readonly #decoder: ScanDecoder
  readonly #heard: Heard[] = []
  #replies: Reply[] = []
  /** When bytes came last. */
  #last: Moment | undefined
  /** It answers commands. */
  #answers = false
  #triggerAt = Number.POSITIVE_INFINITY
  #unanswered = 0
  #showing: Promise<void> | undefined
  readonly #closing = new AbortController()
  readonly #dark = (): void => this.#closing.abort()

  constructor(session: ReaderSession<Config, 'bytes'>) {
    const { config, transport, clock, signal } = session
    this.#session = session
    signal.addEventListener('abort', this.#dark)
    this.#inbox = new Inbox(transport, clock)
    const { suffix, setup, signed } = config
    this.#decoder = new ScanDecoder({ suffix, replies: setup !== 'none', signed: signed !== 'off' })
  }

  /** Sets the scanner up as configured. One that does not answer is used as it is. Undefined: the session ended. */
  async setUp(): Promise<{ model: string; firmware?: string } | undefined> {
    const { config, log, clock } = this.#session
    const plain = { model: 'QR scanner' }
    if (config.setup === 'none') return plain
    const model = await this.#ask(readZone(ZONE.model))
    if (model === 'over') return undefined
    if (model === 'none') {
      const hint =
        'set it up with its printed codes and options.setup: none, or check TX/RX and the baud rate of the URL'
      log.warn('Scanner does not take commands and is used as it is', { hint })
      return plain
    }
    this.#answers = true
    const version = await this.#ask(readZone(ZONE.version))
    if (version === 'over' || !(await this.#setZones())) return undefined
    if (config.setup === 'trigger') this.#triggerAt = clock.uptime()
    const name = model.data[0] === 5 ? 'GM65' : `GM65 class, model ${model.data[0] ?? '?'}`
    const value = version === 'none' ? undefined : version.data[0]
    return { model: name, ...(value === undefined ? {} : { firmware: (value / 100).toFixed(2) }) }
  }

  /** The next code. Undefined when the session ended; throws when the scanner is lost. */
  async next(): Promise<Heard | undefined> {
    for (;;) {
      const heard = this.#heard.shift()
      if (heard) {
        if (this.#triggers) this.#triggerAt = this.#session.clock.uptime() + RETRIGGER_MS
        return heard
      }
      await this.#triggerIfDue()
      if ((await this.#listen(this.#waitMs())) === 'over') return undefined
      if (this.#replies.splice(0).length > 0) this.#unanswered = 0
    }
  }

  /**
   * Shows a verdict with the light: white, so only the number and length of its flashes tell. Resolves when the light
   * of the verdict before has ended: the next code need not wait for this one.
   */
  async show(verdict: Verdict): Promise<void> {
    if (this.#session.config.feedback === 'none' || !this.#answers) return
    await this.#showing
    this.#showing = this.#flash(FLASHES[verdict]).catch((error: unknown) => {
      // A lost scanner is told to whoever waits for its next code; the light adds nothing to that.
      if (!(error instanceof TransportError)) throw error
    })
  }

  /** Ends what goes on in the background. */
  async close(): Promise<void> {
    this.#session.signal.removeEventListener('abort', this.#dark)
    this.#dark()
    await this.#showing
  }

  async #flash(flashes: readonly number[]): Promise<void> {
    const { config, clock } = this.#session
    const { signal } = this.#closing
    const mode = modeOf(config)
    for (const ms of flashes) {
      await this.#write(writeZone(ZONE.mode, withLight(mode, true)))
      await clock.sleep(ms, signal)
      await this.#write(writeZone(ZONE.mode, withLight(mode, false)))
      await clock.sleep(DARK_MS, signal)
    }
    await this.#write(writeZone(ZONE.mode, mode))
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (!this.#session.signal.aborted) await this.#session.transport.write(bytes)
  }

  get #triggers(): boolean {
    return this.#answers && this.#session.config.setup === 'trigger'
  }

  async #triggerIfDue(): Promise<void> {
    const { clock } = this.#session
    if (!this.#triggers || clock.uptime() < this.#triggerAt) return
    if (this.#unanswered >= MOST_UNANSWERED) {
      const hint = 'check the cable and the power of the scanner; a scanner that was switched off is set up again'
      throw new ProtocolError('protocol-broken', 'the scanner does not answer its trigger any more', { hint })
    }
    this.#unanswered += 1
    this.#triggerAt = clock.uptime() + READ_MS
    await this.#write(writeZone(ZONE.trigger, 0x01))
  }

  #waitMs(): number | undefined {
    const { config, clock } = this.#session
    const gap = config.suffix === 'none' && this.#decoder.held > 0 ? config.gap : Number.POSITIVE_INFINITY
    const wait = Math.min(gap, this.#triggerAt - clock.uptime())
    return Number.isFinite(wait) ? Math.max(0, wait) : undefined
  }

  /** Waits for bytes, at most `waitMs`, and sorts them into codes and replies. */
  async #listen(waitMs: number | undefined): Promise<'over' | 'on'> {
    const { config } = this.#session
    const chunk = await this.#inbox.next(waitMs)
    if (chunk === undefined) return 'over'
    // Measured on the arrival of the bytes: a gateway that was busy reads late.
    const pause = config.suffix === 'none' ? config.gap : STALE_MS
    const since = chunk === 'silence' ? this.#session.clock.uptime() : chunk.arrived.uptime
    if (this.#last && since - this.#last.uptime >= pause && this.#decoder.held > 0) {
      this.#sort(this.#decoder.silence(), this.#last)
    }
    if (chunk === 'silence') return 'on'
    this.#last = chunk.arrived
    this.#sort(this.#decoder.push(chunk.bytes), chunk.arrived)
    return 'on'
  }

  #sort({ codes, replies, bad, discarded }: Decoded, arrived: Moment): void {
    const session = this.#session
    if (codes.length > 0) session.count('goodFrames', codes.length)
    if (bad > 0) session.count('badFrames', bad)
    if (discarded > 0) session.count('discardedBytes', discarded)
    this.#heard.push(...codes.map((text) => ({ text, arrived })))
    this.#replies.push(...replies)
  }

  /** Sends a command until it is answered; codes that come meanwhile are kept. */
  async #ask(command: Uint8Array): Promise<Answer> {
    const { clock } = this.#session
    for (let time = 0; time < TRIES; time++) {
      this.#replies = []
      await this.#write(command)
      for (let until = clock.uptime() + REPLY_MS; clock.uptime() < until;) {
        if ((await this.#listen(until - clock.uptime())) === 'over') return 'over'
        const reply = this.#replies.shift()
        if (reply) return reply
      }
    }
    return 'none'
  }

  /** Writes what differs, and keeps it over a loss of power when anything did. False: the session ended. */
  async #setZones(): Promise<boolean> {
    const { config, log } = this.#session
    let changed = 0
    for (const setting of settingsOf(config)) {
      const result = await this.#set(setting)
      if (result === 'over') return false
      if (result === 'changed') changed += 1
      if (result !== 'stuck') continue
      const zone = setting.zone.toString(16).padStart(4, '0')
      const hint = 'some firmware ignores some settings; set it with a printed code of the manual'
      log.warn('Scanner did not take a setting', { zone, hint })
    }
    return changed === 0 || (await this.#ask(saveZones())) !== 'over'
  }

  async #set({ zone, value, mask }: Setting): Promise<'as-is' | 'changed' | 'stuck' | 'over'> {
    const before = await this.#ask(readZone(zone))
    if (before === 'over') return 'over'
    if (before === 'none' || before.type !== 0) return 'stuck'
    const old = before.data[0] ?? 0
    if ((old & mask) === value) return 'as-is'
    if ((await this.#ask(writeZone(zone, (old & ~mask) | value))) === 'over') return 'over'
    const after = await this.#ask(readZone(zone))
    if (after === 'over') return 'over'
    return after !== 'none' && after.type === 0 && ((after.data[0] ?? 0) & mask) === value ? 'changed' : 'stuck'
  }
}
