/** A program of the system that prints lines for as long as it runs. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Clock } from '../clock.js'

/** Of util-linux, on every Debian. */
const SETPRIV = '/usr/bin/setpriv'
const KILL_MS = 1_000

export interface ProgramOptions {
  readonly onLine: (line: string) => void
  /** Called once when it ended by itself, or could not start; `words` is the last line of what it complained. */
  readonly onEnd: (words: string) => void
  /** Keeps its input open, for programs that end without. */
  readonly input?: boolean
}

export class Program {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #closing = false

  constructor(command: readonly string[], { onLine, onEnd, input = false }: ProgramOptions) {
    const [program = '', ...rest] = [...leash(), ...command]
    // Programs of the system speak the language of the machine: here they are read.
    const env = { ...process.env, LC_ALL: 'C' }
    this.#child = spawn(program, rest, { env, stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'] })
    let words = ''
    this.#child.stderr?.on('data', (bytes: Buffer) => (words = (words + bytes.toString('utf8')).slice(-500)))
    this.#child.stdin?.on('error', () => undefined)
    if (this.#child.stdout) createInterface({ input: this.#child.stdout }).on('line', onLine)
    let isOver = false
    const end = (): void => {
      if (isOver || this.#closing) return
      isOver = true
      onEnd(words.trim().split('\n').at(-1) ?? '')
    }
    this.#child.on('error', end).on('close', end)
    this.#ended = once(this.#child, 'close').then(() => undefined, () => undefined) // prettier-ignore
  }

  /** Resolves when it is gone; never throws. No orphan stays. */
  async close(clock: Clock): Promise<void> {
    this.#closing = true
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return
    const over = new AbortController()
    this.#child.kill('SIGTERM')
    void clock.sleep(KILL_MS, over.signal).then(() => over.signal.aborted || this.#child.kill('SIGKILL'))
    await this.#ended
    over.abort()
  }

  /** Resolves when it ended, by itself or not. */
  get ended(): Promise<void> {
    return this.#ended
  }
}

/** A daemon that is killed outright cannot end what it started; the kernel does, where it is asked to. */
function leash(): string[] {
  return existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL'] : []
}
