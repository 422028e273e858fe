/** Readers under supervision, with drivers and transports that a test writes in a line. */
import type { Report } from '../../src/attendance.js'
import type { ReaderConfig } from '../../src/config/config.js'
import { RequestDesk } from '../../src/desk.js'
import type { AnyDriver, ByteTransport, ReaderSession } from '../../src/driver.js'
import type { Reported } from '../../src/journal/protocol.js'
import type { Moment, Sighting } from '../../src/model.js'
import { Status } from '../../src/status.js'
import { supervise } from '../../src/supervisor.js'
import type { OpenTransport } from '../../src/transport/url.js'
import { memoryWire, type DeviceEnd } from '../../src/transport/memory.js'
import { siteZone } from '../../src/zone.js'
import { FakeClock } from './fake-clock.js'
import { RecordingLogger, type LogLine } from './session.js'

export type TestSession = ReaderSession<Record<string, unknown>, 'bytes'>
export type Run = (session: TestSession) => Promise<void>

export function readerConfig(id: string, over: Partial<ReaderConfig> = {}): ReaderConfig {
  const transport = { scheme: 'tcp', host: 'reader', port: 1 } as const
  const reader = { id, name: id, driver: 'scripted', transport, direction: 'in', place: 'door', options: {} } as const
  return { ...reader, sim: false, enabled: true, points: [], ...over }
}

/** Opens memory wires, and remembers what became of them. */
export class Wires {
  readonly devices: DeviceEnd[] = []
  /** Uptimes at which a transport was asked for. */
  readonly openedAt: number[] = []
  closed = 0
  /** Thrown instead of opening, while it is set. */
  failure: Error | undefined

  readonly open: OpenTransport = async (_url, { clock, signal }) => {
    this.openedAt.push(clock.uptime())
    if (this.failure) throw this.failure
    const { transport, device } = memoryWire(clock, signal)
    this.devices.push(device)
    return {
      kind: 'bytes',
      transport,
      close: async () => void (this.closed += 1),
    }
  }
}

export class Supervised {
  readonly clock = new FakeClock()
  readonly log = new RecordingLogger()
  readonly wires = new Wires()
  readonly reports: Report[] = []
  readonly lost: string[] = []
  readonly notes: string[] = []
  readonly desk = new RequestDesk([], [])
  readonly stop = new AbortController()
  readonly status: Status
  answer: Reported = { verdict: 'accepted', lastSeq: 1 }
  readonly #readers: readonly ReaderConfig[]

  constructor(...readers: ReaderConfig[]) {
    this.#readers = readers
    this.status = new Status(this.clock, readers)
  }

  /** Starts a reader. Resolves when the supervision ends. */
  start(run: Run, reader = this.#readers[0]): Promise<void> {
    if (!reader) throw new Error('no reader')
    const { clock, log, status } = this
    const driver: AnyDriver = {
      name: 'scripted',
      title: 'Scripted',
      transport: 'bytes',
      options: {},
      run: run,
    } // The options of a scripted driver are none.
    const context = {
      driver,
      open: this.wires.open,
      clock,
      log,
      status,
      report: async (report: Report) => {
        this.reports.push(report)
        return this.answer
      },
      onLost: ({ id }: ReaderConfig, code: string) => void this.lost.push(`${id} ${code}`),
      desk: this.desk,
      zone: siteZone([[0, 0]]),
      memory: { recall: async () => undefined, remember: async () => undefined },
      note: async (at: string, type: string) => void this.notes.push(`${at} ${type}`),
      random: () => 0.5,
    }
    return supervise(reader, context, this.stop.signal)
  }

  logged(event: string): LogLine[] {
    return this.log.lines.filter(({ fields }) => fields['event'] === event)
  }

  /** Milliseconds between the openings of the transport. */
  get pauses(): number[] {
    return this.wires.openedAt.slice(1).map((at, index) => at - (this.wires.openedAt[index] ?? 0))
  }
}

/** The first chunk that arrives. */
export async function firstChunk(transport: ByteTransport): Promise<Moment> {
  for await (const { arrived } of transport) return arrived
  throw new Error('nothing arrived')
}

export function cardSighting(arrived: Moment, value = '0A00123456'): Sighting {
  return { credential: { type: 'card', value, scope: 'global' }, method: 'card', arrived }
}
