/** The simulated broker: takes records, answers or does not, keeps a session for the consumer, and may forget everything. */
import { PublishError, TransportError } from '../../src/errors.js'
import type { Connect } from '../../src/mqtt/publisher.js'
import { between, type Random } from '../../simulators/random.js'
import type { WatermarkClaim } from './claims.js'
import { Line } from './line.js'
import { sleepOn } from './machine.js'
import type { Owner, Scheduler } from './scheduler.js'
import type { Trace } from './trace.js'

/** The fields of a record that are looked at on its way. */
export interface Travelling {
  readonly schema: string
  readonly id: string
  readonly journal: string
  readonly seq: number
  readonly prev: number | null
  readonly type?: string
  readonly detail?: { readonly from?: number; readonly to?: number }
  readonly delivery: { readonly attempt: number }
}

export type Subscriber = (record: Travelling) => void

/** What is wrong with it now. */
export interface BrokerTroubles {
  away: boolean
  /** It lets everybody connect and answers nothing. */
  deaf: boolean
  forbidsReceipts: boolean
  /** Milliseconds that a packet travels at most. */
  tripMs: number
  /** Of a hundred records so many are refused, … */
  refusedOf100: number
  /** … so many acknowledgements do not come, … */
  unacknowledgedOf100: number
  /** … and so many come late. */
  lateOf100: number
}

export const HEALTHY: BrokerTroubles = {
  away: false,
  deaf: false,
  forbidsReceipts: false,
  tripMs: 20,
  refusedOf100: 0,
  unacknowledgedOf100: 0,
  lateOf100: 0,
}

const REASONS = [0x80, 0x83, 0x87, 0x90, 0x97, 0x99]
const TAKEN_OVER = 0x8e
const LATE_MS = 5_000
const CONNECT_MS = 300

export class Broker {
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #trace: Trace
  #line: Line | undefined
  /** For the consumer, while it is away. */
  #queue: Travelling[] = []
  #consumer: Subscriber | undefined
  #retainedReceipt: string | undefined
  #hearsReceipts = false
  #receiptTopic = ''
  troubles: BrokerTroubles = { ...HEALTHY }
  windowOfOne = false
  /** The client of a control: it takes a record for delivered when it was only sent. */
  takesSentForTaken = false
  readonly #newest = new Map<string, number>()
  /** Records that were refused at any time: they may come after later ones. */
  readonly refused = new Set<number>()
  /** First arrivals after a later record, not refused before. */
  readonly disordered: number[] = []
  readonly #taken = new Set<number>()
  /** The gateway says how far it has come. */
  onWatermark: (claim: WatermarkClaim) => void = () => undefined

  constructor(scheduler: Scheduler, random: Random, trace: Trace) {
    this.#scheduler = scheduler
    this.#random = random
    this.#trace = trace
  }

  /** How a process of the gateway comes to a connection. */
  connect(owner: Owner): Connect {
    const sleep = sleepOn(this.#scheduler, owner)
    return async (_url, _config, _will, signal) => {
      await sleep(between(this.#random, 1, CONNECT_MS), signal)
      if (this.troubles.away || signal.aborted) throw new TransportError('broker-unreachable', 'no connection')
      this.#line?.cut(TAKEN_OVER)
      const receiveMaximum = this.windowOfOne ? 1 : 65_535
      if (this.windowOfOne) this.#trace.fault('broker-window-of-one')
      const line = this.#lineOf(owner, receiveMaximum)
      this.#line = line
      this.#hearsReceipts = false
      this.#trace.note('broker: connected')
      return line
    }
  }

  #lineOf(owner: Owner, receiveMaximum: number): Line {
    const limits = { receiveMaximum, maximumPacketSize: Infinity, retain: true }
    let stuck = false
    const line: Line = new Line(this.#scheduler, owner, limits, {
      onPublish: (topic, payload, retain, ack) => {
        // Once it has left something lying, it takes nothing behind that: a connection has an order.
        stuck ||= this.troubles.deaf || this.troubles.away
        if (!stuck) this.#arrived(topic, payload, retain, ack)
      },
      onSubscribe: (topic) => this.#subscribed(topic),
      onEnd: (how) => {
        this.#trace.note(`broker: ${how}`)
        if (this.#line === line) this.#line = undefined
      },
      tripMs: () => between(this.#random, 0, this.troubles.tripMs),
    })
    return this.takesSentForTaken ? lying(line) : line
  }

  #arrived(topic: string, payload: string, retain: boolean, ack: (code?: number) => void): void {
    const { troubles } = this
    if (topic.endsWith('/watermark')) this.onWatermark(JSON.parse(payload) as WatermarkClaim)
    if (retain) return ack()
    const record = JSON.parse(payload) as Travelling
    if (this.#strikes(troubles.refusedOf100)) {
      const code = REASONS[between(this.#random, 0, REASONS.length - 1)] ?? 0x80
      this.#trace.fault('broker-refuses', `${record.seq} 0x${code.toString(16)}`)
      this.refused.add(record.seq)
      return ack(code)
    }
    this.#trace.note(`broker: ${topic.split('/').slice(-2).join('/')} ${record.seq} #${record.delivery.attempt}`)
    this.#order(record)
    this.#pass(record)
    if (this.#strikes(troubles.unacknowledgedOf100)) return this.#trace.fault('puback-lost', String(record.seq))
    if (!this.#strikes(troubles.lateOf100)) return ack()
    this.#trace.fault('puback-late', String(record.seq))
    this.#scheduler.after(between(this.#random, 1, LATE_MS), () => ack())
  }

  #order({ journal, seq }: Travelling): void {
    if (this.#taken.has(seq)) return
    this.#taken.add(seq)
    const newest = this.#newest.get(journal) ?? 0
    if (seq < newest && !this.refused.has(seq)) this.disordered.push(seq)
    this.#newest.set(journal, Math.max(newest, seq))
  }

  #pass(record: Travelling): void {
    if (this.#consumer) this.#consumer(record)
    else this.#queue.push(record)
  }

  #strikes(of100: number): boolean {
    return of100 > 0 && this.#random() * 100 < of100
  }

  #subscribed(topic: string): number | undefined {
    if (this.troubles.forbidsReceipts) {
      this.#trace.fault('broker-forbids-receipts')
      return 0x87
    }
    this.#receiptTopic = topic
    this.#hearsReceipts = true
    if (this.#retainedReceipt !== undefined) this.#line?.hand(this.#retainedReceipt, true)
    return undefined
  }

  /** The consumer is there, and gets what was kept for it. */
  attach(consumer: Subscriber): void {
    this.#consumer = consumer
    for (const record of this.#queue.splice(0)) consumer(record)
  }

  detach(): void {
    this.#consumer = undefined
  }

  hasTaken(seq: number): boolean {
    return this.#taken.has(seq)
  }

  /** A receipt for the gateway: lost, when nobody listens. False when it was. */
  receipt(text: string, retain: boolean): boolean {
    if (this.troubles.away || this.troubles.deaf) return false
    if (retain) this.#retainedReceipt = text
    if (!this.#line?.open || !this.#hearsReceipts || this.#receiptTopic === '') return retain
    this.#line.hand(text, false)
    return true
  }

  /** The connection of the gateway ends; `code`: the broker says why. True when there was one. */
  cut(code?: number): boolean {
    if (!this.#line?.open) return false
    this.#line.cut(code)
    return true
  }

  /** As after a restart without persistence. Returns how many records are lost with it. */
  forget(what: 'session' | 'everything'): number {
    const lost = this.#queue.splice(0).length
    if (what === 'everything') {
      this.#retainedReceipt = undefined
      this.cut()
    }
    return lost
  }
}

/** Says of a record that it was taken before it was. */
function lying(line: Line): Line {
  const publish = line.publish.bind(line)
  line.publish = (topic, payload, retain) => {
    const answer = publish(topic, payload, retain)
    if (retain) return answer
    answer.catch(() => undefined)
    return line.open ? Promise.resolve() : Promise.reject(new PublishError('retry', 'publish-offline', 'closed'))
  }
  return line
}
