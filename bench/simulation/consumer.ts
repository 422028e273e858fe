/**
 * The simulated consumer: payroll. Takes each record once, however often it comes, looks for gaps in the numbers, and, where
 * receipts settle, says what it has and asks for what it lacks. What it has it never loses.
 */
import { between, type Random } from '../../simulators/random.js'
import { Received } from '../faults/received.js'
import type { Broker, Travelling } from './broker.js'
import type { Scheduler } from './scheduler.js'
import type { Trace } from './trace.js'

/** It says what it has so long after something came. */
const RECEIPT_AFTER_MS = 3_000
/** A gap may close by itself; asked for in vain, it is asked for again, less and less often. */
const PATIENCE_MS = 5_000
const MOST_PATIENCE_MS = 6 * 3_600_000
const TRIP_MS = 50
const NONSENSE = ['', '{', '{"journal":"0123456789abcdef","upTo":3}', '[1,2]', '{"upTo":-1}']

export interface ConsumerOptions {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly trace: Trace
  readonly broker: Broker
  /** What it has counts for the gateway. */
  readonly sendsReceipts: boolean
  readonly retainsReceipts: boolean
}

export class Consumer {
  readonly #options: ConsumerOptions
  readonly received = new Received()
  /** Numbers that the gateway says it cannot send. */
  readonly #gone = new Set<number>()
  /** All up to here is here. */
  #upTo = 0
  #asking = false
  #patienceMs = PATIENCE_MS
  readonly wrong: string[] = []
  silent = false
  #speaking = false

  constructor(options: ConsumerOptions) {
    this.#options = options
    this.arrive()
  }

  arrive(): void {
    const { broker, scheduler, random } = this.#options
    let at = scheduler.now
    broker.attach((record) => {
      at = Math.max(at, scheduler.now + between(random, 0, TRIP_MS))
      scheduler.at(at, () => this.#take(record))
    })
  }

  leave(): void {
    this.#options.broker.detach()
  }

  #take(record: Travelling): void {
    this.#speakSoon()
    const { redelivered, renumbered } = this.received
    this.received.take(record)
    if (this.received.redelivered > redelivered) return this.#options.trace.fault('redelivered', String(record.seq))
    if (this.received.renumbered > renumbered) return
    this.#hearGap(record)
    this.#count(record)
  }

  /** The gateway says of some that they will not come. */
  #hearGap({ type, detail }: Travelling): void {
    if (type !== 'replay-gap' || detail?.from === undefined || detail.to === undefined) return
    for (let seq = detail.from; seq <= detail.to; seq++) this.#gone.add(seq)
  }

  #count({ seq, prev }: Travelling): void {
    while (this.has(this.#upTo + 1)) this.#upTo += 1
    if (prev !== null && prev >= seq) this.wrong.push(`record ${seq} says that it comes behind ${prev}`)
    if (this.#upTo < this.received.newest) this.#askSoon()
  }

  /** It is here, or the gateway said that it cannot come. */
  has(seq: number): boolean {
    return this.received.ids.has(seq) || this.#gone.has(seq)
  }

  /** Also of what came again: whoever sends it again did not hear of it. */
  #speakSoon(): void {
    const { scheduler, sendsReceipts, retainsReceipts } = this.#options
    if (this.#speaking || !sendsReceipts) return
    this.#speaking = true
    scheduler.after(RECEIPT_AFTER_MS, () => {
      this.#speaking = false
      this.#send({ upTo: this.#upTo }, retainsReceipts)
    })
  }

  #askSoon(): void {
    const { scheduler, sendsReceipts } = this.#options
    if (this.#asking || !sendsReceipts) return
    this.#asking = true
    scheduler.after(this.#patienceMs, () => {
      this.#asking = false
      const missing = this.#gaps()
      this.#patienceMs = missing.length === 0 ? PATIENCE_MS : Math.min(2 * this.#patienceMs, MOST_PATIENCE_MS)
      if (missing.length === 0) return
      this.#send({ missing }, false)
      this.#askSoon()
    })
  }

  #gaps(): [number, number][] {
    const gaps: [number, number][] = []
    for (let seq = this.#upTo + 1; seq <= this.received.newest; seq++) {
      if (this.has(seq)) continue
      const last = gaps.at(-1)
      if (last?.[1] === seq - 1) last[1] = seq
      else gaps.push([seq, seq])
    }
    return gaps
  }

  #send(said: { readonly upTo: number } | { readonly missing: [number, number][] }, retain: boolean): void {
    if (this.silent) return
    const { broker, trace } = this.#options
    trace.note(`consumer: ${JSON.stringify(said)}`)
    if (!broker.receipt(JSON.stringify({ journal: this.received.journal, ...said }), retain))
      trace.fault('receipt-lost')
  }

  /** Something that no gateway may believe. */
  babble(): void {
    const { random, trace, broker } = this.#options
    const text =
      NONSENSE[between(random, 0, NONSENSE.length)] ?? JSON.stringify({ journal: this.received.journal, upTo: 1e9 })
    trace.fault('consumer-nonsense', text.replace(/"[0-9a-f]{16}"/, 'it'))
    broker.receipt(text, false)
  }
}
