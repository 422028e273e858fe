/**
 * A daemon whose clocks are what a file says: `node wrong-clock.js CONFIG CLOCKS`. Everything else of it is real. The file
 * holds what the real clocks are ahead of, so that time passes by itself.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { drivers } from '../../drivers/index.js'
import { SystemClock, type Clock } from '../../src/clock.js'
import { loadConfig } from '../../src/config/load.js'
import { runDaemon } from '../../src/daemon.js'
import { createLogger } from '../../src/log.js'
import type { Moment } from '../../src/model.js'
import { openTransport } from '../../src/transport/open.js'

export interface Clocks {
  readonly boot: string
  /** Milliseconds to add to the real clocks. */
  readonly wall: number
  readonly uptime: number
  /** Null: nobody set it. */
  readonly errorMs: number | null
}

export function setClocks(file: string, clocks: Clocks): void {
  writeFileSync(`${file}.new`, JSON.stringify(clocks))
  renameSync(`${file}.new`, file)
}

class WrongClock implements Clock {
  readonly #clock = new SystemClock()
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }
  now(): Moment {
    const { boot, wall, uptime, errorMs } = JSON.parse(readFileSync(this.#file, 'utf8')) as Clocks
    const now = this.#clock.now()
    const state = errorMs === null ? 'unsynced' : 'synced'
    return Object.freeze({ wall: now.wall + wall, uptime: Math.round(now.uptime + uptime), boot, state, errorMs })
  }
  uptime(): number {
    return this.#clock.uptime()
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal)
  }
}

async function main(file: string, clocks: string): Promise<void> {
  const { config, problems } = loadConfig(file, { drivers, env: {} })
  if (!config) throw new Error(problems.map(({ message }) => message).join('; '))
  const stop = new AbortController()
  process.on('SIGTERM', () => stop.abort())
  const clock = new WrongClock(clocks)
  await runDaemon({ config, drivers, open: openTransport, version: '0', clock, log: createLogger('info') }, stop.signal)
}

const [, program = '', file = '', clocks = ''] = process.argv
if (program.endsWith('wrong-clock.js')) await main(file, clocks)
