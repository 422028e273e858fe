/**
 * Compares the time of punches, which is no evidence, with what is: the clocks in the record, and corrections. Pure.
 * Only what does not fit is remembered, until its correction comes.
 */
import type { Json } from '../journal/canonical.js'
import { isObject, type JsonObject, type RecordLine } from './line.js'
import { instantOf } from './record.js'

/** Beyond the stated bound: times are written in milliseconds, and clocks drift a little. */
const LEEWAY_MS = 1_000
/** More than this are not kept waiting: a forged file must not fill the memory. */
const MOST_WAITING = 50_000

interface Waiting {
  readonly seq: number
  readonly time: number
  /** The clock was set and said something else: without a correction the time is wrong. */
  readonly contradicts: boolean
}

export class Times {
  readonly #waiting = new Map<string, Waiting>()

  /** Takes a record whose content is right; the number of a record whose time is wrong for certain, else undefined. */
  take({ schema, seq, content }: RecordLine): number | undefined {
    if (schema === 'punch/1') return this.#punch(seq, content)
    if (schema === 'correction/1') return this.#correction(content)
    return undefined
  }

  #punch(seq: number, { id, time, clock }: JsonObject): number | undefined {
    const at = instantOf(time)
    if (at === undefined) return seq
    if (!isObject(clock) || typeof id !== 'string') return undefined
    const { wall, errorMs } = clock
    if (typeof wall !== 'number') return undefined
    const bound = typeof errorMs === 'number' ? errorMs : 0
    if (Math.abs(at - wall) <= bound + LEEWAY_MS) return undefined
    this.#waiting.set(id, { seq, time: at, contradicts: typeof errorMs === 'number' })
    return this.#shrink()
  }

  #shrink(): number | undefined {
    const [oldest] = this.#waiting
    if (this.#waiting.size <= MOST_WAITING || !oldest) return undefined
    this.#waiting.delete(oldest[0])
    return oldest[1].contradicts ? oldest[1].seq : undefined
  }

  #correction(content: JsonObject): number | undefined {
    const { of } = content
    const waiting = typeof of === 'string' ? this.#waiting.get(of) : undefined
    if (typeof of !== 'string' || !waiting || !speaksOfTime(content)) return undefined
    if (!fits(waiting.time, content)) return waiting.seq
    this.#waiting.delete(of)
    return undefined
  }

  /** The first punch whose clock was set and whose time is another, without a correction up to here. */
  get firstWrong(): number | undefined {
    for (const { seq, contradicts } of this.#waiting.values()) if (contradicts) return seq
    return undefined
  }
}

function speaksOfTime({ time, earliest, latest }: JsonObject): boolean {
  return [time, earliest, latest].some((value: Json | undefined) => value !== undefined)
}

/** Twice the bound: the best known time may have become better since the correction was written. */
function fits(at: number, { time, errorMs, earliest, latest }: JsonObject): boolean {
  const corrected = instantOf(time)
  if (corrected !== undefined) {
    return Math.abs(at - corrected) <= (typeof errorMs === 'number' ? 2 * errorMs : 0) + LEEWAY_MS
  }
  const [first, last] = [instantOf(earliest), instantOf(latest)]
  return first !== undefined && last !== undefined && at >= first - LEEWAY_MS && at <= last + LEEWAY_MS
}
