/**
 * The simulated consumer: payroll. Takes each record once, however often it comes, looks for gaps in the numbers, and, where
 * receipts settle, says what it has and asks for what it lacks. What it has it never loses.
 */
import { between, type Random } from '../../simulators/random.js'
import type { Broker, Travelling } from './broker.js'
import type { Scheduler } from './scheduler.js'
import type { Trace } from './trace.js'

/** It says what it has so long after something came. */
const RECEIPT_AFTER_MS = 3_000
/** A gap may close by itself; asked for in vain, it is asked for again, less and less often. */
const PATIENCE_MS = 5_000
const MOST_PATIENCE_MS = 600_000
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
  /** Ids by number. */
  readonly ids = new Map<number, string>()
  readonly #seqs = new Map<string, number>()
  readonly journals = new Set<string>()
  /** Numbers that the gateway says it cannot send. */
  readonly #gone = new Set<number>()
  /** All up to here is here. */
  #upTo = 0
  #newest = 0
  #asking = false
  #patienceMs = PATIENCE_MS
  #journal = ''
  readonly wrong: string[] = []
  redelivered = 0
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
    const { id, journal, seq } = record
    this.journals.add(journal)
    this.#journal = journal
    this.#speakSoon()
    const known = this.ids.get(seq)
    if (known !== undefined && known !== id) this.wrong.push(`number ${seq} came with two ids`)
    const before = this.#seqs.get(id)
    if (before !== undefined && before !== seq) this.wrong.push(`one id came as ${before} and as ${seq}`)
    if (known !== undefined) {
      this.redelivered += 1
      return this.#options.trace.fault('redelivered', String(seq))
    }
    this.ids.set(seq, id)
    this.#seqs.set(id, seq)
    this.#newest = Math.max(this.#newest, seq)
    this.#hearGap(record)
    this.#count(record)
  }

  /** The gateway says of some that they will not come. */
  #hearGap({ type, detail }: Travelling): void {
    if (type !== 'replay-gap' || detail?.from === undefined || detail.to === undefined) return
    for (let seq = detail.from; seq <= detail.to; seq++) this.#gone.add(seq)
  }

  #count({ seq, prev }: Travelling): void {
    while (this.ids.has(this.#upTo + 1) || this.#gone.has(this.#upTo + 1)) this.#upTo += 1
    if (prev !== null && prev >= seq) this.wrong.push(`record ${seq} says that it comes behind ${prev}`)
    if (this.#upTo < this.#newest) this.#askSoon()
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
    for (let seq = this.#upTo + 1; seq <= this.#newest; seq++) {
      if (this.ids.has(seq) || this.#gone.has(seq)) continue
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
    if (!broker.receipt(JSON.stringify({ journal: this.#journal, ...said }), retain)) trace.fault('receipt-lost')
  }

  /** Something that no gateway may believe. */
  babble(): void {
    const { random, trace, broker } = this.#options
    const text = NONSENSE[between(random, 0, NONSENSE.length)] ?? JSON.stringify({ journal: this.#journal, upTo: 1e9 })
    trace.fault('consumer-nonsense', text.replace(/"[0-9a-f]{16}"/, 'it'))
    broker.receipt(text, false)
  }
}
