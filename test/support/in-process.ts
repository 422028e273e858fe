/** The whole daemon inside the test, with drivers and wires that a test writes in a line. */
import { join } from 'node:path'
import { SystemClock } from '../../src/clock.js'
import { loadConfig } from '../../src/config/load.js'
import type { Config } from '../../src/config/config.js'
import { runDaemon } from '../../src/daemon.js'
import type { AnyDriver } from '../../src/driver.js'
import { JournalReader } from '../../src/journal/query.js'
import { memoryWire, type DeviceEnd } from '../../src/transport/memory.js'
import { RecordingLogger } from './session.js'
import { ask } from '../../src/verbs/ask.js'
import { until } from './until.js'

export class InProcess {
  readonly config: Config
  readonly log = new RecordingLogger()
  /** The device ends of the wires opened so far. */
  readonly devices: DeviceEnd[] = []
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()
  readonly #drivers: readonly AnyDriver[]

  constructor(file: string, drivers: readonly AnyDriver[]) {
    const { config, problems } = loadConfig(file, { drivers, env: {} })
    if (!config) throw new Error(problems.map(({ message }) => message).join('; '))
    this.config = config
    this.#drivers = drivers
  }

  async start(): Promise<void> {
    const clock = new SystemClock()
    this.#running = runDaemon(
      {
        config: this.config,
        drivers: this.#drivers,
        clock,
        log: this.log,
        version: '0',
        open: async (_url, context) => {
          const { transport, device } = memoryWire(context.clock, context.signal)
          this.devices.push(device)
          return { kind: 'bytes', transport, close: async () => device.unplug() }
        },
      },
      this.#stop.signal,
    )
    await until(async () => (await ask(this.config, 'status', undefined).catch(() => undefined)) !== undefined)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** What is stored, as `tail --json` would print it. */
  records(): Record<string, unknown>[] {
    const journal = new JournalReader(join(this.config.data.path, 'journal.db'), this.config.site.offsets)
    const records = [...journal.records({})].map(({ json }) => JSON.parse(json) as Record<string, unknown>)
    journal.close()
    return records
  }
}
