/** What goes wrong, and when: any fault at any time, each with its end. */
import { between, type Random } from '../../simulators/random.js'
import { HEALTHY, type Broker, type BrokerTroubles } from './broker.js'
import type { Consumer } from './consumer.js'
import type { CutAt, Disk } from './disk.js'
import type { Gateway } from './gateway.js'
import type { Machine } from './machine.js'
import type { Plan } from './plan.js'
import type { Readers } from './readers.js'
import type { Scheduler } from './scheduler.js'
import type { Trace } from './trace.js'

const SECOND = 1_000
const YEAR = 365 * 86_400 * SECOND
/** Reason codes of DISCONNECT; or the line breaks without one. */
const GOODBYES = [undefined, undefined, 0x80, 0x81, 0x89, 0x8b, 0x8d, 0x8e, 0x93, 0x95, 0x97, 0x98, 0x9c, 0xa1]
const CUTS: readonly CutAt[] = ['before', 'torn', 'after']

export interface TroublesContext {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly trace: Trace
  readonly plan: Plan
  readonly machine: Machine
  readonly disk: Disk
  readonly gateway: Gateway
  readonly broker: Broker
  readonly consumer: Consumer
  readonly readers: Readers
}

export class Troubles {
  readonly #context: TroublesContext
  /** Nothing new goes wrong; what did, goes on until its end. */
  paused = true
  #healed = false
  #round = 0
  /** A commit takes this long at most, in milliseconds. */
  syncMostMs = 8
  #resync: (() => void) | undefined

  constructor(context: TroublesContext) {
    this.#context = context
  }

  begin(): void {
    this.paused = false
    this.#next(++this.#round)
  }

  /** No further ones, and of those that last nothing is left. */
  heal(): void {
    const { disk, broker, consumer, readers, machine, trace } = this.#context
    this.paused = this.#healed = true
    trace.note('all is well again')
    disk.full = false
    disk.failing = undefined
    disk.disarm()
    this.syncMostMs = 8
    broker.troubles = { ...HEALTHY }
    broker.windowOfOne = false
    broker.cut()
    consumer.silent = false
    consumer.arrive()
    readers.heal()
    this.#resync?.()
    machine.sync()
  }

  #next(round: number): void {
    const { scheduler, random, plan } = this.#context
    scheduler.after(between(random, 0, 2 * plan.faultEveryMs), () => {
      if (this.paused || round !== this.#round) return
      this.#strike()
      this.#next(round)
    })
  }

  #strike(): void {
    const { random } = this.#context
    const all = [this.#process, this.#cut, this.#disk, this.#clock, this.#reader, this.#broker, this.#broker, this.#consumer] // prettier-ignore
    all[between(random, 0, all.length - 1)]!.call(this)
  }

  /** What began ends, unless all ended before. */
  #lasts(mostMs: number, end: () => void): void {
    const { scheduler, random } = this.#context
    scheduler.after(between(random, SECOND, mostMs), () => this.#healed || end())
  }

  #process(): void {
    const { random, gateway } = this.#context
    const kind = between(random, 0, 9)
    if (kind < 5) gateway.kill()
    else if (kind < 8) gateway.stop(false)
    else if (kind === 8) gateway.stop(true)
    else gateway.cutPower()
  }

  #cut(): void {
    const { random, gateway } = this.#context
    gateway.arm(CUTS[between(random, 0, 2)]!, between(random, 0, 2) === 0, random())
  }

  #disk(): void {
    const { random, disk, trace, gateway } = this.#context
    if (!gateway.running) return
    switch (between(random, 0, 4)) {
      case 0:
      case 1:
        trace.fault('disk-full')
        disk.full = true
        return this.#lasts(40 * SECOND, () => (disk.full = false))
      case 2:
        disk.failing = 'before'
        return
      case 3:
        disk.failing = 'after-write'
        return
      default:
        trace.fault('disk-stall')
        this.syncMostMs = 3 * SECOND
        return this.#lasts(30 * SECOND, () => (this.syncMostMs = 8))
    }
  }

  #clock(): void {
    const { random, machine, trace } = this.#context
    if (between(random, 0, 3) === 0) {
      if (machine.mark) trace.fault('clock-source-lost')
      machine.mark = undefined
    } else {
      const most = [SECOND, 3_600 * SECOND, 10 * YEAR][between(random, 0, 2)]!
      const ms = between(random, 300, most) * (between(random, 0, 1) === 0 ? -1 : 1)
      trace.fault('clock-stepped', String(ms))
      machine.step(ms)
    }
    this.syncWithin(120 * SECOND)
  }

  /** The time service comes back sooner or later. */
  syncWithin(mostMs: number): void {
    const { scheduler, random, machine, trace } = this.#context
    this.#resync?.()
    const ms = between(random, SECOND, mostMs)
    this.#resync = scheduler.after(ms, () => {
      trace.fault('clock-set-late')
      machine.sync()
    })
  }

  #reader(): void {
    this.#context.readers.unplug()
  }

  #trouble(troubles: Partial<BrokerTroubles>, mostMs: number): void {
    const { broker } = this.#context
    broker.troubles = { ...broker.troubles, ...troubles }
    this.#lasts(mostMs, () => (broker.troubles = { ...HEALTHY }))
  }

  #broker(): void {
    const { random, trace, broker, plan } = this.#context
    const kind = between(random, 0, plan.settle === 'receipt' ? 9 : 6)
    if (kind === 0) {
      const code = GOODBYES[between(random, 0, GOODBYES.length - 1)]
      if (broker.cut(code)) trace.fault(code === undefined ? 'broker-cut' : 'broker-disconnects', code?.toString(16))
    } else if (kind === 1) {
      trace.fault('broker-away')
      this.#trouble({ away: true }, 120 * SECOND)
      broker.cut()
    } else if (kind === 2) {
      trace.fault('broker-deaf')
      this.#trouble({ deaf: true }, 100 * SECOND)
    } else if (kind === 3) this.#trouble({ refusedOf100: between(random, 1, 40) }, 20 * SECOND)
    else if (kind === 4) this.#trouble({ unacknowledgedOf100: between(random, 1, 100) }, 60 * SECOND)
    else if (kind === 5) this.#trouble({ lateOf100: 50, tripMs: 1_500 }, 60 * SECOND)
    else if (kind === 6) broker.windowOfOne = !broker.windowOfOne
    else if (kind === 7) this.#trouble({ forbidsReceipts: true }, 200 * SECOND)
    else this.#forget(kind === 8 ? 'session' : 'everything')
  }

  /** Only where receipts settle: else what a broker loses behind its PUBACK is lost, and nobody promised otherwise. */
  #forget(what: 'session' | 'everything'): void {
    const { broker, trace } = this.#context
    const lost = broker.forget(what)
    trace.fault(what === 'session' ? 'broker-lost-session' : 'broker-lost-state', `${lost} records`)
  }

  #consumer(): void {
    const { random, consumer, trace, plan } = this.#context
    const kind = between(random, 0, plan.settle === 'receipt' ? 2 : 0)
    if (kind === 0) {
      trace.fault('consumer-away')
      consumer.leave()
      this.#lasts(180 * SECOND, () => consumer.arrive())
    } else if (kind === 1) {
      trace.fault('consumer-silent')
      consumer.silent = true
      this.#lasts(900 * SECOND, () => (consumer.silent = false))
    } else consumer.babble()
  }
}
