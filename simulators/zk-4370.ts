/**
 * A ZKTeco terminal that answers on port 4370, over TCP or UDP: sessions, comm key, log, live events. Its faults go by name.
 */
import type { Clock } from '../src/driver.js'
import type { Line } from './line.js'
import { freeSizes, liveEvent, PunchLog, userTable, type EventBytes, type RowBytes } from './zk-4370-tables.js'
import { Voice, type Answer, type Zk4370Fault } from './zk-4370-voice.js'
import { HostStream, keyFor, localParts, packedTime, type Asked } from './zk-4370-wire.js'

export interface Zk4370Options {
  readonly clock: Clock
  readonly line: Line
  readonly mode?: 'tcp' | 'udp'
  /** 0: none. */
  readonly key?: number
  readonly serial?: string
  readonly rowBytes?: RowBytes
  readonly userBytes?: 72 | 28
  readonly eventBytes?: EventBytes
  readonly capacity?: number
  /** Of its wall clock. */
  readonly utcOffsetMinutes?: number
  /** Pause between two packets: some clients take one packet a read. [ZK4370 §9] */
  readonly pauseMs?: number
}

const OK = 2000
const SMALL_BYTES = 1_024
const DATAGRAM_BYTES = 1_024
/** Answered with yes, and nothing else happens. */
const YES = new Set([1002, 1003, 1017, 1502])
const NONE = Buffer.alloc(0)

export class Zk4370 {
  readonly log: PunchLog
  readonly users: string[] = []
  /** How often each command came. */
  readonly asked = new Map<number, number>()
  /** By how much its clock is wrong. */
  aheadMs = 0
  readonly #options: Required<Zk4370Options>
  readonly #host: HostStream
  readonly #voice: Voice
  #session = 0x1f2d
  #isOpen = false
  #wantsEvents = false
  #buffer: Buffer = NONE
  #readTo = 0

  constructor(options: Zk4370Options) {
    const more = {
      mode: 'tcp',
      key: 0,
      serial: 'A1B2C3',
      rowBytes: 40,
      userBytes: 72,
      eventBytes: 32,
      capacity: 10_000,
    } as const
    this.#options = { ...more, utcOffsetMinutes: 60, pauseMs: 0, ...options }
    const { rowBytes, capacity, mode, line } = this.#options
    this.log = new PunchLog(rowBytes, capacity, (user) => this.users.indexOf(user) + 1)
    this.#host = new HostStream(mode)
    this.#voice = new Voice(this.#options)
    line.onReceive = (bytes) => this.#receive(bytes)
  }

  /** From now on, `times` often. */
  fault(name: Zk4370Fault, times = Infinity): void {
    this.#voice.fault(name, times)
  }

  /** Somebody is recognised: a row, and an event to whoever listens. */
  punch(user: string, { verify = 1, state = 0 } = {}): void {
    this.append(user, { verify, state })
    this.tell(user, { verify, state })
  }

  /** An event without a row: it is told before it is kept, or again long after. */
  tell(user: string, { verify = 1, state = 0, agoMs = 0 } = {}): void {
    if (!this.#wantsEvents || this.#voice.strikes('unheard')) return
    const parts = localParts(this.#localWall() - agoMs)
    const stored = { user, time: packedTime(parts), verify, state }
    this.#voice.send(500, 1, 0, liveEvent(this.#options.eventBytes, this.users.indexOf(user) + 1, stored, parts))
  }

  /** A row without an event; `time` is packed. */
  append(user: string, { verify = 1, state = 0, time = packedTime(localParts(this.#localWall())) } = {}): void {
    if (!this.users.includes(user)) this.users.push(user)
    this.log.add({ user, time, verify, state })
  }

  /** Somebody cleared the log at its menu. */
  clear(): void {
    this.log.count = 0
  }

  /** It was switched off and on: sessions are forgotten. */
  restart(): void {
    this.#isOpen = false
    this.#wantsEvents = false
    this.#session = (this.#session + 100) & 0xffff
  }

  #localWall(): number {
    const { clock, utcOffsetMinutes } = this.#options
    return clock.now().wall + utcOffsetMinutes * 60_000 + this.aheadMs
  }

  #receive(bytes: Uint8Array): void {
    for (const asked of this.#host.take(bytes)) {
      if (this.#voice.isLost(11)) continue
      this.asked.set(asked.command, (this.asked.get(asked.command) ?? 0) + 1)
      if (this.#voice.strikes('silent') || (asked.command === 1000 && this.#voice.strikes('busy'))) continue
      this.#answer(asked)
    }
  }

  #answer(asked: Asked): void {
    const { command, id, session } = asked
    // The host says that an event came. Nothing follows.
    if (command === OK) return
    if (command === 1000) this.#open()
    else if (session !== this.#session || (!this.#isOpen && command !== 1102))
      return this.#voice.send(2005, session, id, NONE)
    const answers = command === 1000 ? this.#welcome() : this.#answersTo(asked)
    if (this.#voice.strikes('coalesced')) return this.#voice.sendJoined(answers, this.#session, id)
    for (const [code, data] of answers) {
      if (command !== 1000 && this.#voice.strikes('stale')) {
        this.#voice.send(code, this.#session, (id + 7) & 0xffff, data)
        this.#voice.send(code, this.#session ^ 0x55, id, data)
      }
      this.#voice.send(code, this.#session, id, data)
    }
  }

  #open(): void {
    this.#session = (this.#session + 1) & 0xffff
    this.#isOpen = this.#options.key === 0
    this.#wantsEvents = false
  }

  #welcome(): readonly Answer[] {
    return [[this.#isOpen ? OK : 2005, NONE]]
  }

  #answersTo({ command, data }: Asked): readonly Answer[] {
    switch (command) {
      case 1001:
        this.#isOpen = false
        return [[OK, NONE]]
      case 1102:
        this.#isOpen = !this.#voice.strikes('refuses-key') && data.equals(keyFor(this.#options.key, this.#session))
        return this.#welcome()
      case 1100:
        return [[OK, Buffer.from('Ver 6.60 Sep 19 2019\0')]]
      case 11:
        return [this.#option(data)]
      case 50:
        return [[OK, freeSizes(this.users.length, this.log.count, this.#options.capacity)]]
      case 201:
        return [[OK, uint32s(packedTime(localParts(this.#localWall())))]]
      case 500:
        this.#wantsEvents = (data[0] ?? 0) % 2 === 1 && !this.#voice.strikes('refuses-events')
        return [[this.#wantsEvents ? OK : 2001, NONE]]
      case 1503:
        return [this.#prepare(data)]
      case 1504:
        return this.#piece(data)
      default:
        return [[YES.has(command) ? OK : 0xffff, NONE]]
    }
  }

  #option(data: Buffer): Answer {
    const key = data.toString('latin1').split('\0')[0] ?? ''
    const known: Record<string, string> = {
      '~SerialNumber': this.#options.serial,
      '~Platform': 'ZEM760_TFT',
      '~OS': '1',
    }
    const value = known[key]
    return value === undefined ? [2001, NONE] : [OK, Buffer.from(`${key}=${value}\0`, 'latin1')]
  }

  /** The firmware copies a table; a small one goes out at once. [ZK4370 §7] */
  #prepare(data: Buffer): Answer {
    if (this.#voice.strikes('refuses-log')) return [0xffff, NONE]
    if (data[1] === 13 && this.#voice.strikes('counting')) this.append('99')
    const rows = data[1] === 13 ? this.log.rows(this.log.count) : userTable(this.users, this.#options.userBytes)
    this.#readTo = 0
    const size = rows.length + 4
    if (size < SMALL_BYTES) return [1501, Buffer.concat([uint32s(rows.length), rows])]
    // Rows are only added behind: what was there stays, without a copy.
    this.#buffer = rows
    return [OK, Buffer.concat([Buffer.of(0), uint32s(size, size, 0)])]
  }

  #piece(data: Buffer): readonly Answer[] {
    const [start, length] = [data.readUInt32LE(0), data.readUInt32LE(4)]
    const from = this.#voice.strikes('from-start') ? this.#readTo : start
    const head = uint32s(this.#buffer.length).subarray(Math.min(4, from), Math.min(4, from + length))
    const body = this.#buffer.subarray(Math.max(0, from - 4), from - 4 + length)
    const all = Buffer.concat([head, body])
    this.#readTo = from + all.length
    const sent = this.#voice.strikes('wrong-length') ? all.subarray(8) : all
    const frames: Answer[] = []
    const step = this.#options.mode === 'udp' ? DATAGRAM_BYTES : sent.length
    for (let at = 0; at < sent.length; at += step) frames.push([1501, sent.subarray(at, at + step)])
    return [[1500, uint32s(all.length, 0)], ...frames, [OK, NONE]]
  }
}

function uint32s(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32LE(value, index * 4))
  return bytes
}
