/** The readers at the doors: twins on wires that can be pulled, and what the gateway's drivers show to whoever stands there. */
import { driver as rdm6300 } from '../../drivers/rdm6300/index.js'
import { driver as wiegand } from '../../drivers/wiegand/index.js'
import type { ReaderConfig } from '../../src/config/config.js'
import type { AnyDriver, Clock, ReaderSession, Verdict } from '../../src/driver.js'
import { TransportError } from '../../src/errors.js'
import type { Sighting } from '../../src/model.js'
import type { OpenTransport } from '../../src/transport/url.js'
import { FaultyLine, type Fault, type FaultPlan } from '../../simulators/faults.js'
import { memoryLine, type Delivery, type Line } from '../../simulators/line.js'
import { between, type Random } from '../../simulators/random.js'
import { Rdm6300 } from '../../simulators/rdm6300.js'
import { cardBits, WiegandReader } from '../../simulators/wiegand.js'
import type { FaultKind } from './kinds.js'
import { sleepOn, type Truth } from './machine.js'
import { WORLD, type Owner, type Scheduler } from './scheduler.js'
import type { Trace } from './trace.js'

const KIND_OF: Readonly<Record<Fault, FaultKind>> = {
  noise: 'wire-noise',
  split: 'wire-split',
  corrupt: 'wire-corrupt',
  delay: 'wire-delay',
  cut: 'wire-cut',
}
const REPLUG_MOST_MS = 20_000
const KEY_MS = 150

/** What the twin of one reader holds on to, whichever wire the gateway has opened. */
class Socket implements Line {
  onReceive: ((bytes: Uint8Array) => void) | undefined
  wire: FaultyLine | undefined
  plugged = true

  send(bytes: Uint8Array): Delivery {
    return this.wire?.send(bytes) ?? 'lost'
  }
  unplug(): void {
    void this.wire?.unplug()
    this.wire = undefined
  }
  close(): Promise<void> {
    return Promise.resolve(this.unplug())
  }
}

export class Readers {
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #trace: Trace
  readonly #truth: Truth
  readonly #sockets: readonly Socket[] = [new Socket(), new Socket(), new Socket()]
  readonly #gates: readonly Rdm6300[]
  readonly #vault: WiegandReader
  readonly #clock: Clock
  plan: FaultPlan = {}

  constructor(scheduler: Scheduler, random: Random, trace: Trace, truth: Truth) {
    this.#scheduler = scheduler
    this.#random = random
    this.#trace = trace
    this.#truth = truth
    const sleep = sleepOn(scheduler, WORLD)
    this.#clock = { now: unasked, uptime: unasked, sleep }
    const [north, south, vault] = this.#sockets as [Socket, Socket, Socket]
    this.#gates = [
      new Rdm6300({ clock: this.#clock, line: north }),
      new Rdm6300({ clock: this.#clock, line: south, form: 'id12la' }),
    ]
    this.#vault = new WiegandReader({ line: vault })
  }

  /** How a process of the gateway opens the wire of a reader. */
  open(owner: Owner): OpenTransport {
    return async (url, { clock, signal }) => {
      const index = url.scheme === 'tcp' ? url.port - 1 : 0
      const socket = this.#sockets[index]
      if (!socket?.plugged) throw new TransportError('transport-absent', 'nothing is plugged in')
      const { line, transport } = memoryLine(this.#truth.of(clock), signal)
      const isThere = (): boolean => owner.alive && this.#scheduler.now >= (owner.frozenUntil ?? 0)
      const cable: Line = {
        ...line,
        send: (bytes) => (isThere() ? line.send(bytes) : 'lost'),
        unplug: () => this.#cut(index, () => void line.unplug(), owner),
      }
      const seed = between(this.#random, 0, 0xffff_ffff)
      const wire = new FaultyLine({ line: cable, plan: this.plan, seed, clock: this.#clock })
      socket.wire = wire
      return { kind: 'bytes', transport, close: () => Promise.resolve(this.#closed(socket, wire)) }
    }
  }

  #closed(socket: Socket, wire: FaultyLine): void {
    this.#count(wire)
    if (socket.wire === wire) socket.wire = undefined
  }

  /** What the wire has done so far goes into the books. */
  #count({ counts }: FaultyLine): void {
    for (const [fault, times] of Object.entries(counts) as [Fault, number][]) {
      for (let time = 0; time < times; time++) this.#trace.fault(KIND_OF[fault])
      counts[fault] = 0
    }
  }

  /** A cable that came off is put back after a while. */
  #cut(index: number, unplug: () => void, owner: Owner): void {
    const socket = this.#sockets[index]
    if (socket?.plugged === true) {
      socket.plugged = false
      this.#scheduler.after(between(this.#random, 500, REPLUG_MOST_MS), () => (socket.plugged = true))
    }
    this.#scheduler.after(0, unplug, owner)
  }

  /** Pulls one cable. */
  unplug(): void {
    const index = between(this.#random, 0, this.#sockets.length - 1)
    const socket = this.#sockets[index]
    if (!socket?.wire) return
    this.#trace.fault('reader-unplugged', String(index))
    socket.unplug()
  }

  /** Somebody lays a card on one of the gates. */
  tap(gate: number, tag: string, holdMs: number): void {
    void this.#gates[gate]?.tap(tag, holdMs)
  }

  card([facility, number]: readonly [number, number]): void {
    this.#vault.send(cardBits(26, facility, number))
  }

  /** Somebody types; returns how long that takes. */
  type(pin: string): void {
    for (const [nth, key] of `${pin}#`.split('').entries())
      this.#scheduler.after(nth * KEY_MS, () => void this.#vault.key(key))
  }

  /** Everything is plugged in, and no wire has faults any more. */
  heal(): void {
    this.plan = {}
    for (const socket of this.#sockets) {
      socket.plugged = true
      // What was opened before has the faults of before.
      if (socket.wire) this.#count(socket.wire)
      socket.unplug()
      socket.plugged = true
    }
  }

  /** What the wires have done goes into the books, also of those that a killed process had open. */
  settle(): void {
    for (const { wire } of this.#sockets) if (wire) this.#count(wire)
  }
}

function unasked(): never {
  throw new Error('a twin asks no clock')
}

export type ShowLight = (verdict: Verdict, sighting: Sighting, reader: string) => void

/** The real drivers, with a light: it shows what `report` answers, when it answers. `early`: the control, which shows green first. */
export function driversWithLight(show: ShowLight, early: boolean): AnyDriver[] {
  return [rdm6300, wiegand].map((driver) => {
    const run = (session: ReaderSession<never, 'bytes'>): Promise<void> => {
      const report = async (sighting: Sighting): Promise<Verdict> => {
        if (early) show('accepted', sighting, session.readerId)
        const verdict = await session.report(sighting)
        if (!early) show(verdict, sighting, session.readerId)
        return verdict
      }
      return driver.run({ ...session, report })
    }
    return { ...driver, run }
  })
}

const COMMON = { sim: true, enabled: true, points: [] } as const

export const READERS: readonly ReaderConfig[] = [
  { id: 'gate-north', name: 'North gate', driver: 'rdm6300', place: 'gate', direction: 'in', options: { hold: 1_000 } },
  { id: 'gate-south', name: 'South gate', driver: 'rdm6300', place: 'gate', direction: 'in', options: { hold: 1_000 } },
  { id: 'vault', name: 'Vault', driver: 'wiegand', place: 'vault', direction: 'none', options: vaultOptions() },
].map((reader, index) => ({ ...reader, ...COMMON, transport: { scheme: 'tcp', host: 'sim', port: index + 1 } }) as ReaderConfig) // prettier-ignore

function vaultOptions(): ReaderConfig['options'] {
  return {
    lines: 'hex',
    dataBits: 24,
    formats: '26,34,35,37',
    format37: 'h10302',
    unknown: 'ignore',
    order: 'as-sent',
    swapped: false,
    keypad: '4bit',
    pinTimeout: 10_000,
    gap: 30,
    hold: 1_000,
  }
}
