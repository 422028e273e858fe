/** What a scenario plays on: the equipment, the daemon, a subscriber, and a look into the journal. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SystemClock } from '../../src/clock.js'
import { DaemonError, EXIT, VerbError } from '../../src/errors.js'
import { Subscriber } from '../subscriber.js'
import { Closers, equip, type Equipment, type EquipmentOptions } from './equipment.js'
import type { Show } from './events.js'
import { Gateway, GATEWAY, SITE, TOPIC_PREFIX } from './gateway.js'
import { Ledger, type PunchFacts } from './ledger.js'
import { heardPunch } from './punch.js'
import { Queue } from './queue.js'
import { ReaderStates } from './reader-states.js'
import type { SimReader } from './readers.js'
import { JournalWatch } from './watch.js'

export interface StageOptions extends EquipmentOptions {
  readonly timezone: string
  readonly repeatWindow: string
  readonly show: Show
}

const TOPICS = `${TOPIC_PREFIX}/${SITE}/${GATEWAY}`
/** A loaded machine starts Node in seconds. */
const UP_MS = 60_000
const SETTLE_MS = 30_000
/** Received later than this after it was stored, a punch has waited for the broker. */
const LATE_MS = 1_000

export class Stage {
  readonly clock: SystemClock
  readonly ledger = new Ledger()
  readonly states: ReaderStates
  readonly show: Show
  readonly equipment: Equipment
  readonly gateway: Gateway
  readonly #closers: Closers
  readonly #broken = new AbortController()
  readonly #queues = new Map<string, Queue>()
  #watch: JournalWatch | undefined
  /** The gateway has not been heard since the broker went away. */
  #isCutOff = false

  private constructor(
    { show, timezone, repeatWindow }: StageOptions,
    equipment: Equipment,
    clock: SystemClock,
    closers: Closers,
  ) {
    this.show = show
    this.equipment = equipment
    this.clock = clock
    this.#closers = closers
    this.states = new ReaderStates(show)
    const { folder, broker, pcscd, configured: readers } = equipment
    const env = pcscd ? { PCSCLITE_CSOCK_NAME: pcscd.socketName } : {}
    const onDeath = (why: string): void => this.#broken.abort(new DaemonError('daemon-absent', why))
    this.gateway = new Gateway({ folder, broker, timezone, repeatWindow, readers, env, onDeath })
    const isServed = (): boolean => this.gateway.isRunning
    const { ledger } = this
    for (const reader of equipment.readers)
      this.#queues.set(reader.id, new Queue({ reader, ledger, clock, show, isServed }))
  }

  /** Resolves when every reader is up, or the signal aborts. Whatever fails, nothing is left behind. */
  static async open(options: StageOptions, signal: AbortSignal): Promise<Stage> {
    const closers = new Closers()
    try {
      const clock = new SystemClock()
      const stage = new Stage(options, await equip(options, clock, closers), clock, closers)
      await stage.#start()
      await stage.#awaitReaders(signal)
      return stage
    } catch (error) {
      // What went wrong first is what people want to know.
      await closers.close().catch(() => undefined)
      throw error
    }
  }

  /** Aborts with a DaemonError when the stage cannot go on: the daemon ended by itself. */
  get broken(): AbortSignal {
    return this.#broken.signal
  }

  reader(id: string): SimReader | undefined {
    return this.equipment.readers.find((reader) => reader.id === id)
  }

  queue(id: string): Queue | undefined {
    return this.#queues.get(id)
  }

  /** The broker went away: what is stored now waits. */
  cutOff(): void {
    this.#isCutOff = true
  }

  /** Waits until everybody is served and, while the broker is there, everything is received. */
  async settle(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.done()))
    this.#watch?.look()
    const { clock, gateway, ledger } = this
    const deadline = clock.uptime() + SETTLE_MS
    const isDone = (): boolean => ledger.isAllReceived || !this.equipment.broker.isUp || !gateway.isRunning
    while (!isDone() && !this.broken.aborted && clock.uptime() < deadline) await clock.sleep(20)
  }

  /** Sends away those who have not begun. */
  disperse(): void {
    for (const queue of this.#queues.values()) queue.disperse()
  }

  /** Nothing will be repaired any more. */
  hurry(): void {
    for (const queue of this.#queues.values()) queue.hurry()
  }

  get readersUp(): boolean {
    return this.states.areUp(this.equipment.readers.map(({ id }) => id))
  }

  /** Ends the daemon in order and says how many records are left behind. */
  async finish(): Promise<{ backlog: number }> {
    await this.gateway.stop()
    this.#watch?.look()
    return { backlog: this.#watch?.backlog ?? 0 }
  }

  /** Ends everything. Safe to call twice. */
  close(): Promise<void> {
    return this.#closers.close()
  }

  async #start(): Promise<void> {
    const { gateway } = this
    mkdirSync(gateway.dataFolder)
    const { host, port, protocol } = this.equipment.broker
    const onMessage = (topic: string, payload: string): void => this.#heard(topic.slice(TOPICS.length + 1), payload)
    this.#closers.own(await Subscriber.connect({ host, port, protocol, topic: `${TOPICS}/#`, onMessage }))
    this.#closers.add(() => gateway.stop())
    gateway.start()
    this.#watch = this.#closers.own(
      new JournalWatch(join(gateway.dataFolder, 'journal.db'), (punch) => this.#stored(punch)),
    )
  }

  async #awaitReaders(signal: AbortSignal): Promise<void> {
    const deadline = this.clock.uptime() + UP_MS
    while (!this.readersUp) {
      if (this.broken.aborted) throw this.broken.reason
      if (signal.aborted) return
      if (this.clock.uptime() > deadline) {
        const hint = this.states.text
        throw new VerbError(EXIT.unavailable, 'daemon-absent', 'the readers did not come up in time', { hint })
      }
      await this.clock.sleep(20)
    }
    this.states.isTold = true
  }

  #stored(punch: PunchFacts): void {
    const now = this.clock.uptime()
    const visit = this.ledger.store(punch, now)
    const waits = this.#isCutOff
    this.show({ kind: 'stored', punch, visit, afterMs: visit ? now - visit.laidMs : 0, waits })
  }

  #heard(topic: string, payload: string): void {
    if (topic.startsWith('reader/')) this.states.heard(topic, payload)
    if (!topic.startsWith('punch/')) return
    this.#isCutOff = false
    const punch = heardPunch(payload)
    if (!punch) return
    // The broker may be quicker than the next look into the journal.
    this.#watch?.look()
    const now = this.clock.uptime()
    const { first, visit } = this.ledger.receive(punch, now)
    if (!first) return this.show({ kind: 'redelivered', punch, visit })
    const waitedMs = now - (visit?.storedAtMs ?? now)
    const late = waitedMs > LATE_MS
    this.show({ kind: 'received', punch, visit, afterMs: late ? waitedMs : now - (visit?.laidMs ?? now), late })
  }
}
