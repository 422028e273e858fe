/** One life of the daemon: started, under load, killed at a moment that nobody chose. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { programFile, start } from '../child.js'
import type { Light } from './stored.js'

export interface LifeOptions {
  readonly data: string
  readonly port: number
  readonly round: number
  /** Cards that were green before: they must be repeats now. */
  readonly again: readonly string[]
  readonly cheat: boolean
  /** More flags of child-green. */
  readonly flags?: readonly string[]
}

/** When the kill comes: so long after the start of the process, or of the load. */
export interface Moment {
  readonly after: 'start' | 'load'
  readonly ms: number
}

const BEGIN_MS = 30_000
const STOP_MS = 15_000

export class Life {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #shown = ''
  #stderr = ''

  constructor({ data, port, round, again, cheat, flags: more = [] }: LifeOptions, idle = false) {
    const flags = [
      ...more,
      ...(cheat ? ['--cheat'] : []),
      ...(idle ? ['--idle'] : []),
      ...again.flatMap((card) => ['--again', card]),
    ]
    const args = ['--data', data, '--port', String(port), '--round', String(round), ...flags]
    const stdio = ['ignore', 'ignore', 'pipe', 'pipe'] as const
    this.#child = start(process.execPath, [programFile('faults/child-green'), ...args], { stdio: [...stdio] })
    this.#ended = once(this.#child, 'close')
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    const lights = this.#child.stdio[3] as Readable // Parse boundary: 'pipe' was asked for.
    lights.setEncoding('utf8').on('data', (text: string) => (this.#shown += text))
  }

  /** Kills it at the moment given, and returns every light that it had shown until then. */
  async killAt({ after, ms }: Moment): Promise<Light[]> {
    if (after === 'load') await this.#begun()
    await sleep(ms)
    this.#child.kill('SIGKILL')
    await this.#ended
    // It must have died of this: a daemon that ends by itself under load is broken.
    if (this.#child.signalCode !== 'SIGKILL') throw this.#broken('ended by itself')
    return this.lights
  }

  /** Stops it as systemd would; returns every light that it has shown. */
  async stop(): Promise<Light[]> {
    // Before that, nobody listens to SIGTERM.
    await this.#begun()
    this.#child.kill('SIGTERM')
    const late = sleep(STOP_MS, 'late', { ref: false })
    if ((await Promise.race([this.#ended, late])) === 'late') throw this.#broken('does not stop')
    if (this.#child.exitCode !== 0) throw this.#broken('did not stop cleanly')
    return this.lights
  }

  /** What it wrote to stderr so far. */
  get said(): string {
    return this.#stderr
  }

  async #begun(): Promise<void> {
    const deadline = performance.now() + BEGIN_MS
    while (this.#shown === '') {
      if (performance.now() > deadline || this.#child.exitCode !== null) throw this.#broken('did not come up')
      await sleep(1)
    }
  }

  get lights(): Light[] {
    const lines = this.#shown.split('\n').slice(0, -1)
    const lights = lines.map((line) => ({ verdict: line.split(' ')[0] ?? '', card: line.split(' ')[1] ?? '' }))
    return lights.filter(({ verdict }) => verdict !== 'begun')
  }

  #broken(how: string): Error {
    return new Error(`the daemon ${how} (exit code ${this.#child.exitCode ?? 'none'}): ${this.#stderr.slice(-2_000)}`)
  }
}
