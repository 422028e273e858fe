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
  /** Another program than `child-green`, what else it is told, and in which environment. */
  readonly program?: string
  readonly flags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
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
  readonly #startedAt = performance.now()
  #shown = ''
  #told = ''
  #stderr = ''
  /** Milliseconds from its start until its readers took punches; undefined while they do not. */
  begunAfterMs: number | undefined

  constructor({ data, port, round, again, cheat, program, flags: more = [], env }: LifeOptions, idle = false) {
    const flags = [
      ...more,
      ...(cheat ? ['--cheat'] : []),
      ...(idle ? ['--idle'] : []),
      ...again.flatMap((card) => ['--again', card]),
    ]
    const args = ['--data', data, '--port', String(port), '--round', String(round), ...flags]
    const stdio = ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] as const
    const file = program ?? programFile('faults/child-green')
    this.#child = start(process.execPath, [file, ...args], { stdio: [...stdio], env: { ...process.env, ...env } })
    this.#ended = once(this.#child, 'close')
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    const [, , , lights, told] = this.#child.stdio as Readable[] // Parse boundary: 'pipe' was asked for.
    lights?.setEncoding('utf8').on('data', (text: string) => {
      this.begunAfterMs ??= performance.now() - this.#startedAt
      this.#shown += text
    })
    told?.setEncoding('utf8').on('data', (text: string) => (this.#told += text))
  }

  /** Whole lines that it wrote to descriptor 4. */
  get told(): string[] {
    return this.#told.split('\n').slice(0, -1)
  }

  /** Every light that it has shown until now. */
  get lights(): Light[] {
    const lines = this.#shown.split('\n').slice(0, -1)
    const lights = lines.map((line) => ({ verdict: line.split(' ')[0] ?? '', card: line.split(' ')[1] ?? '' }))
    return lights.filter(({ verdict }) => verdict !== 'begun')
  }

  /** True when it was killed, or killed itself, within so long; false while it lives. Anything else is a fault. */
  async isKilledWithin(ms: number): Promise<boolean> {
    if (!(await this.endsWithin(ms))) return false
    if (this.#child.signalCode !== 'SIGKILL') throw this.#broken('ended by itself')
    return true
  }

  /** Readers take punches, or it was killed before. */
  async hasBegun(): Promise<boolean> {
    while (this.begunAfterMs === undefined) {
      if (performance.now() - this.#startedAt > BEGIN_MS) throw this.#broken('did not come up')
      if (await this.isKilledWithin(2)) return false
    }
    return true
  }

  get process(): ChildProcess {
    return this.#child
  }

  /** True when it ended within so long, however. */
  async endsWithin(ms: number): Promise<boolean> {
    const over = new AbortController()
    const lives = sleep(ms, 'lives', { signal: over.signal }).catch(() => 'lives')
    const ended = await Promise.race([this.#ended, lives])
    over.abort()
    return ended !== 'lives'
  }

  /** What it wrote to stderr so far. */
  get said(): string {
    return this.#stderr
  }

  /** Asks it to stop; it may be killed meanwhile. True when it stopped cleanly. */
  async stopOrDie(): Promise<boolean> {
    this.#child.kill('SIGTERM')
    const late = sleep(STOP_MS, 'late', { ref: false })
    if ((await Promise.race([this.#ended, late])) === 'late') throw this.#broken('does not stop')
    if (this.#child.signalCode === 'SIGKILL') return false
    if (this.#child.exitCode !== 0) throw this.#broken('did not stop cleanly')
    return true
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
    if (!(await this.stopOrDie())) throw this.#broken('was killed')
    return this.lights
  }

  async #begun(): Promise<void> {
    const deadline = performance.now() + BEGIN_MS
    while (this.#shown === '') {
      if (performance.now() > deadline || this.#child.exitCode !== null) throw this.#broken('did not come up')
      await sleep(1)
    }
  }

  #broken(how: string): Error {
    return new Error(`the daemon ${how} (exit code ${this.#child.exitCode ?? 'none'}): ${this.#stderr.slice(-2_000)}`)
  }
}
