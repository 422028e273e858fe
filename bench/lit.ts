/** A daemon whose lights are seen: by the card, and when. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { programFile, start } from './child.js'
import { Moments } from './moments.js'

export interface LitOptions {
  /** `data.path`. */
  readonly data: string
  /** Of the broker, or of the way to it. */
  readonly port: number
  /** Transport URLs. They are called `live-0` and so on. */
  readonly readers: readonly string[]
}

const STOP_MS = 20_000

export class LitDaemon {
  readonly child: ChildProcess
  readonly #shown: Moments

  private constructor(options: LitOptions) {
    const stdio = ['ignore', 'inherit', 'inherit', 'pipe'] as const
    this.child = start(process.execPath, [programFile('child-lit'), 'run', JSON.stringify(options)], { stdio: [...stdio] }) // prettier-ignore
    const shown = this.child.stdio[3] as Readable // Parse boundary: 'pipe' was asked for.
    this.#shown = new Moments(shown, () => this.child.exitCode !== null)
  }

  /** Resolves when all its readers are up. */
  static async start(options: LitOptions): Promise<LitDaemon> {
    const daemon = new LitDaemon(options)
    await Promise.all(options.readers.map((_, index) => daemon.#shown.of(`up live-${index}`)))
    return daemon
  }

  /** When this card was shown a green light. */
  green(card: string): Promise<number> {
    return this.#shown.of(`accepted ${card}`)
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'close')
    this.child.kill('SIGTERM')
    const late = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS)
    await ended
    clearTimeout(late)
    if (this.child.exitCode !== 0) throw new Error('the daemon did not stop cleanly')
  }
}
