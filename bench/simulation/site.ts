/** All parts of one seed, put together: the gateway with machine, disk, readers and people, the broker and the consumer. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { journalFile } from '../../src/config/paths.js'
import type { LogFields, Logger, Sighting, Verdict } from '../../src/driver.js'
import type { Request } from '../../src/journal/protocol.js'
import { between, type Random } from '../../simulators/random.js'
import { Stored } from '../faults/stored.js'
import { Broker } from './broker.js'
import { Claims } from './claims.js'
import { Consumer } from './consumer.js'
import type { Planted } from './controls.js'
import { Disk } from './disk.js'
import { Gateway } from './gateway.js'
import { Life } from './life.js'
import { Machine, Truth } from './machine.js'
import { presentationOf } from './oracle.js'
import { configOf, planOf, type Plan } from './plan.js'
import { driversWithLight, Readers } from './readers.js'
import { Scheduler, type Owner } from './scheduler.js'
import { Trace } from './trace.js'
import { Troubles } from './troubles.js'
import { Visits } from './visits.js'

const SECOND = 1_000
const DAY = 86_400 * SECOND
/** How long a time service may need after a boot. */
const SYNCS_WITHIN = [20 * SECOND, 300 * SECOND, DAY] as const

export interface SiteOptions {
  readonly random: Random
  /** Empty. */
  readonly folder: string
  readonly planted?: Planted | undefined
  readonly print?: ((line: string) => void) | undefined
}

export class Site {
  readonly random: Random
  readonly plan: Plan
  readonly data: string
  readonly scheduler = new Scheduler()
  readonly trace: Trace
  readonly machine: Machine
  readonly truth: Truth
  readonly disk: Disk
  readonly stored: Stored
  readonly broker: Broker
  readonly consumer: Consumer
  readonly readers: Readers
  readonly claims: Claims
  readonly gateway: Gateway
  readonly troubles: Troubles
  readonly visits: Visits
  /** What was shown, by presentation. */
  readonly shown = new Map<string, string>()
  /** Lights that said that it is stored. */
  greens = 0
  /** Numbers that the gateway set aside: they may arrive behind later ones. */
  readonly parked = new Set<number>()
  readonly #planted: Planted | undefined

  constructor({ random, folder, planted, print }: SiteOptions) {
    this.random = random
    this.#planted = planted
    this.data = join(folder, 'data')
    mkdirSync(this.data, { mode: 0o750 })
    const { scheduler } = this
    this.plan = planOf(random)
    this.trace = new Trace(scheduler, print)
    this.machine = new Machine(scheduler, random)
    this.truth = new Truth(this.machine)
    this.disk = this.#makeDisk()
    this.stored = new Stored(this.disk.left, presentationOf)
    this.broker = new Broker(scheduler, random, this.trace)
    this.broker.takesSentForTaken = planted === 'settled-before-puback'
    this.readers = new Readers(scheduler, random, this.trace, this.truth)
    this.readers.plan = this.plan.wires
    const { settle, retainsReceipts } = this.plan
    const { trace, broker, readers, plan } = this
    const sendsReceipts = settle === 'receipt'
    this.consumer = new Consumer({ scheduler, random, trace, broker, sendsReceipts, retainsReceipts })
    this.claims = new Claims({
      isTaken: (seq) => broker.hasTaken(seq),
      isParked: (seq) => this.parked.has(seq),
      consumer: sendsReceipts ? this.consumer : undefined,
      isClockRight: () => this.machine.isRight,
    })
    broker.onWatermark = (claim) => this.claims.take(claim)
    const untilUptime = (ms: number): number => this.machine.untilUptime(ms)
    this.visits = new Visits({ scheduler, random, trace, readers, plan, untilUptime })
    this.gateway = this.#makeGateway()
    this.troubles = new Troubles(this)
  }

  #makeDisk(): Disk {
    return new Disk(journalFile({ data: { path: this.data } }), {
      onCut: (at) => this.gateway.cut(at),
      onFailure: (code, written) => {
        if (code === 'SQLITE_FULL') this.trace.note('disk: full')
        else this.trace.fault(written ? 'disk-error-after-write' : 'disk-error')
      },
      syncMs: () => between(this.random, 1, this.troubles.syncMostMs),
    })
  }

  #makeGateway(): Gateway {
    const { scheduler, random, trace, machine, disk, stored } = this
    return new Gateway({
      scheduler,
      random,
      trace,
      machine,
      disk,
      stored,
      process: () => this.#process(),
      onBoot: () => this.troubles.syncWithin(SYNCS_WITHIN[between(this.random, 0, 2)] ?? DAY),
      onDeath: () => this.readers.settle(),
    })
  }

  #process(): Life {
    const { scheduler, random, disk, broker } = this
    const isEarly = this.#planted === 'green-before-commit'
    return new Life({
      scheduler,
      random,
      disk,
      broker,
      config: configOf(this.plan, this.data),
      clock: (owner) => this.machine.clock(owner),
      open: (owner) => this.readers.open(owner),
      drivers: (owner) => driversWithLight((...light) => this.#show(owner, ...light), isEarly),
      log: (owner) => this.#log(owner),
      onRequest: (request) => this.#asked(request),
      onExit: (life, error) => this.gateway.exited(life, error),
    })
  }

  #asked({ verb, args }: Request): void {
    // Parse boundary: the protocol says so.
    if (verb === 'park') this.parked.add((args as { readonly seq: number }).seq)
    if (verb === 'report') this.disk.lax = this.#planted === 'lax-sync'
  }

  #show(owner: Owner, verdict: Verdict, { credential, arrived }: Sighting, reader: string): void {
    if (!owner.alive) return
    const card = presentationOf({ id: '', seq: 0, reader, credential, clock: arrived, proof: { hash: '' } })
    this.trace.note(`light: ${verdict} ${card}`)
    if (this.#planted !== 'green-before-commit') this.shown.set(card, verdict)
    if (verdict === 'refused') return this.visits.refused(reader, credential.value)
    this.greens += 1
    this.gateway.lights.push({ verdict: 'taken', card })
  }

  #log(owner: Owner): Logger {
    const note =
      (level: string) =>
      (_message: string, { event, code }: LogFields = {}): void => {
        if (owner.alive && level !== 'debug') this.trace.note(`log: ${level} ${textOf(event)} ${textOf(code)}`)
      }
    return { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  }
}

function textOf(field: unknown): string {
  return typeof field === 'string' ? field : ''
}
