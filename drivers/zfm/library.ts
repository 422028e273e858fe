/** Which slots of the module are in use, and whether somebody else changed that. */
import type { ReaderId } from '../../src/driver.js'
import { CODE, COMMAND, slotsIn } from './codec.js'
import { refusal, type Answer, type Sensor, type Session } from './sensor.js'

/** What this process last knew of a reader's module. A restart of punchd forgets it: it keeps no store of its own. */
interface Known {
  readonly module: string
  readonly slots: ReadonlySet<number>
  /** A store was under way when the module went away; nobody was told that it succeeded. */
  readonly pending?: number
}
const known = new Map<ReaderId, Known>()

/** Forgets what is known of a reader; for tests, which have many modules under one name. */
export function forget(reader: ReaderId): void {
  known.delete(reader)
}

export class Library {
  readonly capacity: number
  readonly #session: Session
  readonly #sensor: Sensor
  readonly #module: string
  #slots = new Set<number>()
  /** False for modules without an index table: then slots are only counted. Undefined: not known yet. */
  #listed: boolean | undefined
  #count = 0

  /** `module` names it: its serial number where it has one. */
  constructor(session: Session, sensor: Sensor, capacity: number, module: string) {
    this.#session = session
    this.#sensor = sensor
    this.capacity = capacity
    this.#module = module
  }

  get slots(): ReadonlySet<number> {
    return this.#slots
  }

  /** The lowest free slot; undefined when there is none. */
  get free(): number | undefined {
    for (let slot = 0; slot < this.capacity; slot++) if (!this.#slots.has(slot)) return slot
    return undefined
  }

  /** At the start of a run: reads the table, mends what a lost connection left half done, and compares. */
  async open(): Promise<void> {
    await this.#read()
    const before = known.get(this.#session.readerId)
    if (before?.pending !== undefined && before.module === this.#module) await this.#undo(before.pending)
    if (before) await this.#compare(before)
    this.#remember()
  }

  /** Now and then: has the number of templates changed without us? */
  async check(): Promise<void> {
    const counted = await this.#sensor.askMaybe(COMMAND.countTemplates)
    if (!counted) return
    const { payload } = counted
    const count = ((payload[1] ?? 0) << 8) | (payload[2] ?? 0)
    if (count === this.#count) return
    const before = { module: this.#module, slots: this.#slots }
    await this.#read()
    await this.#compare(before)
    this.#remember()
  }

  /** A store to this slot begins. */
  storing(slot: number): void {
    known.set(this.#session.readerId, { module: this.#module, slots: this.#slots, pending: slot })
  }

  /** It ended, with a template in the slot or without. */
  async settled(slot: number, stored: boolean): Promise<void> {
    if (stored) this.#slots.add(slot)
    else this.#slots.delete(slot)
    this.#count = this.#listed ? this.#slots.size : this.#count + (stored ? 1 : 0)
    this.#remember()
  }

  /** Reads the table again: is this slot in use? */
  async holds(slot: number): Promise<boolean> {
    await this.#read()
    return this.#slots.has(slot)
  }

  async #undo(slot: number): Promise<void> {
    if (!this.#slots.has(slot)) return
    const { code } = await this.#sensor.ask(COMMAND.remove(slot))
    if (code !== CODE.ok) throw refusal(`removing slot ${slot}`, code)
    this.#slots.delete(slot)
    this.#count -= 1
    this.#session.log.warn('Half-done enrolment undone', { event: 'enrolment-undone', slot })
    await this.#session.event('enrolment-undone', { slot })
  }

  async #compare({ module, slots }: Known): Promise<void> {
    if (this.#listed === false) return
    const missing = [...slots].filter((slot) => !this.#slots.has(slot))
    const added = [...this.#slots].filter((slot) => !slots.has(slot))
    if (module === this.#module && missing.length === 0 && added.length === 0) return
    const what = module === this.#module ? 'changed' : 'swapped'
    const detail = { what, missing: ranges(missing), added: ranges(added), count: this.#slots.size }
    const hint = `fingers may now mean other people: check who is enrolled (punchd enroll ${this.#session.readerId} --list)`
    this.#session.log.warn('Fingerprint module changed outside punchd', { event: 'sensor-changed', ...detail, hint })
    await this.#session.event('sensor-changed', detail)
  }

  async #read(): Promise<void> {
    const slots = new Set<number>()
    for (let page = 0; page * 256 < this.capacity && this.#listed !== false; page++) {
      const table = await this.#page(page)
      if (!table) this.#listed = false
      else for (const slot of slotsIn(table.payload, page)) if (slot < this.capacity) slots.add(slot)
    }
    if (this.#listed === false) return
    this.#listed = true
    this.#slots = slots
    this.#count = slots.size
  }

  /** A module that showed its table once must show it again; one that never did may have none, and is asked twice. */
  async #page(page: number): Promise<Answer | undefined> {
    const command = COMMAND.indexTable(page)
    if (this.#listed !== true) return (await this.#sensor.askMaybe(command)) ?? (await this.#sensor.askMaybe(command))
    return this.#sensor.ask(command)
  }

  #remember(): void {
    known.set(this.#session.readerId, { module: this.#module, slots: new Set(this.#slots) })
  }
}

/** `0,3-7` */
export function ranges(slots: Iterable<number>): string {
  const sorted = [...slots].sort((a, b) => a - b)
  const parts: [number, number][] = []
  for (const slot of sorted) {
    const last = parts.at(-1)
    if (last && slot === last[1] + 1) last[1] = slot
    else parts.push([slot, slot])
  }
  return parts.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',')
}
