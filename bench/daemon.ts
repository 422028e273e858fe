/** The daemon as customers run it, with simulated readers behind TCP. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { programFile, start } from './child.js'

export interface DaemonOptions {
  /** For configuration and data; made when it is not there. */
  readonly folder: string
  readonly gateway: string
  /** URL of the broker. */
  readonly broker: string
  /** Transport URLs; the readers are called `gate-0` and so on. */
  readonly readers: readonly string[]
}

export interface Daemon {
  readonly child: ChildProcess
  /** Resolves with the milliseconds from the start of the process until so many readers were up. */
  up(readers: number): Promise<number>
  kill(): Promise<void>
}

const UP_MS = 120_000

/** Where a daemon that is started with this folder keeps its data. */
export function dataOf(folder: string): string {
  return join(folder, 'data')
}

export function startDaemon({ folder, gateway, broker, readers }: DaemonOptions): Daemon {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'config.yaml')
  const config = {
    version: 1,
    site: { id: 'bench', name: 'Bench', timezone: 'Europe/Berlin' },
    gateway: { id: gateway },
    data: { path: dataOf(folder) },
    mqtt: { url: broker },
    readers: readers.map((transport, index) => ({
      id: `gate-${index}`,
      driver: 'rdm6300',
      transport,
      direction: 'in',
    })),
    // With a longer one, a journal that was filled in a minute would be all windows.
    policy: { repeatWindow: '1s' },
    log: { level: 'info' },
  }
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config))
  const begun = performance.now()
  const child = start(process.execPath, [programFile('../src/main'), 'run', '--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Under systemd it would write for its journal.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'JOURNAL_STREAM')),
  })
  const ups = upsOf(child, begun)
  const ended = new Promise((resolve) => child.once('close', resolve))
  return {
    child,
    up: (count) => ups(count),
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Reads its log: what readers say, for us; what goes wrong, for a person. */
function upsOf(child: ChildProcess, begun: number): (count: number) => Promise<number> {
  const took: number[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stderr! }).on('line', (line) => {
    if (line.includes('"event":"reader-up"')) took.push(performance.now() - begun)
    else if (/"level":"(?:warn|error)"/.test(line) || !line.startsWith('{')) process.stderr.write(`${line}\n`)
    for (const look of waiting) look()
  })
  return (count) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${took.length} of ${count} readers are up after ${UP_MS / 1_000} s`)), UP_MS) // prettier-ignore
      const look = (): void => {
        const ms = took[count - 1]
        if (ms === undefined) return
        clearTimeout(late)
        waiting.delete(look)
        resolve(ms)
      }
      waiting.add(look)
      child.once('close', () => reject(new Error('the daemon ended')))
      look()
    })
}
