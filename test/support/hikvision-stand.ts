/** The driver and simulated terminals on real sockets of 127.0.0.1. */
import { fields, pointFields, type Config, type PointOptions } from '../../drivers/hikvision/config.js'
import { driver } from '../../drivers/hikvision/index.js'
import { freePort } from '../../simulators/free-port.js'
import { HikvisionHttp } from '../../simulators/hikvision-http.js'
import type { Hikvision } from '../../simulators/hikvision.js'
import type { TwinOptions } from '../../simulators/hikvision-kinds.js'
import type { Clock, Point } from '../../src/driver.js'
import { openTransport } from '../../src/transport/open.js'
import { FastClock } from './fast-clock.js'
import { optionDefaults, RecordingLogger, RecordingSession } from './session.js'

export const PASSWORD = 'Secret-12'
export const SECRET = 'f00dcafe'

export interface DriverRun {
  readonly session: RecordingSession<Config, 'http'>
  readonly done: Promise<void>
  /** Ends it as the daemon would. */
  stop(): Promise<void>
}

export class Stand {
  readonly clock: Clock
  readonly port: number
  /** What the driver remembered, over all runs. */
  memory = new Map<string, string>()
  readonly #over = new AbortController()
  readonly #runs = new Set<DriverRun>()

  private constructor(port: number, speed: number) {
    this.port = port
    this.clock = new FastClock(speed)
  }

  static async open(speed = 100): Promise<Stand> {
    return new Stand(await freePort(), speed)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async terminal(options: Partial<TwinOptions> = {}): Promise<{ readonly twin: Hikvision; readonly url: string }> {
    return HikvisionHttp.open({ clock: this.clock, signal: this.#over.signal, ...options })
  }

  async run(points: readonly Point[], config: Partial<Config> = {}): Promise<DriverRun> {
    const stop = new AbortController()
    const { clock } = this
    const url = { scheme: 'http', host: '127.0.0.1', port: this.port } as const
    const opened = await openTransport(url, { clock, signal: stop.signal, log: new RecordingLogger() })
    if (opened.kind !== 'http') throw new Error('no http')
    const options = { ...optionDefaults(fields), callback: this.url, pathSecret: SECRET, ...config }
    const { transport } = opened
    const session = new RecordingSession<Config, 'http'>({ config: options, transport, clock, signal: stop.signal, points, scheme: 'http' }) // prettier-ignore
    for (const [key, value] of this.memory) session.memory.set(key, value)
    this.memory = session.memory
    const done = driver.run(session)
    done.catch(() => undefined)
    const run: DriverRun = {
      session,
      done,
      stop: async () => {
        this.#runs.delete(run)
        stop.abort()
        await opened.close()
        await done.catch(() => undefined)
      },
    }
    this.#runs.add(run)
    return run
  }

  async close(): Promise<void> {
    for (const run of this.#runs) await run.stop()
    this.#over.abort()
  }
}

export function point(id: string, serial: string, options: Partial<PointOptions> = {}): Point {
  return { id, name: id, match: { serial }, options: { ...optionDefaults(pointFields.options), ...options } }
}
