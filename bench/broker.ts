/** A real mosquitto on a free port, for one bench; it can be killed and comes back. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../simulators/free-port.js'
import { start } from './child.js'
import { BenchError } from './outcome.js'

const PATHS = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto', '/opt/homebrew/sbin/mosquitto']
const UP_MS = 10_000
const UNAVAILABLE = 69
export const NO_MOSQUITTO = 'mosquitto is not installed (sudo apt install mosquitto)'

export interface Broker {
  readonly url: string
  readonly port: number
  /** SIGTERM: it writes down what it keeps. Safe to call twice. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Again, on the same port. */
  up(): Promise<void>
  /** Tells it to read its files again. */
  reload(): void
  /** It takes connections and answers nothing, until `resume`. */
  pause(): void
  resume(): void
}

/** Starts one with its files in `folder`; `lines` are added to its configuration and win over ours. */
export async function startBroker(folder: string, lines: readonly string[] = []): Promise<Broker> {
  const program = mosquittoProgram()
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(file, configuration(port, lines))
  const broker = new Mosquitto(program, file, port)
  await broker.up()
  return broker
}

class Mosquitto implements Broker {
  readonly port: number
  readonly #program: string
  readonly #file: string
  #child: ChildProcess | undefined

  constructor(program: string, file: string, port: number) {
    this.#program = program
    this.#file = file
    this.port = port
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  async up(): Promise<void> {
    const child = start(this.#program, ['-c', this.#file], { stdio: 'ignore' })
    this.#child = child
    await accepting(this.port, () => child.exitCode !== null)
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  reload(): void {
    this.#child?.kill('SIGHUP')
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null) return
    const ended = once(child, 'close')
    child.kill(signal)
    await ended
  }
}

export function mosquittoProgram(): string {
  const program = PATHS.find((path) => existsSync(path))
  if (program === undefined) throw new BenchError(NO_MOSQUITTO, UNAVAILABLE)
  return program
}

function configuration(port: number, lines: readonly string[]): string {
  const ours = [
    'allow_anonymous true',
    'persistence false',
    // Its default, 20, is what CONNACK allows a publisher to have in flight: two windows would not be the same.
    'max_inflight_messages 0',
    // By default it drops what a slow subscriber has not taken after 1,000 messages.
    'max_queued_messages 0',
    // Without it Nagle's algorithm delays small acknowledgements.
    'set_tcp_nodelay true',
    'log_type error',
    ...asRoot(),
  ]
  const keys = lines.map((line) => line.split(' ')[0])
  const kept = ours.filter((line) => !keys.includes(line.split(' ')[0]))
  return [`listener ${port} 127.0.0.1`, ...kept, ...lines, ''].join('\n')
}

/** Started by root it would become a user who cannot read our files. */
export function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['user root'] : []
}

/** Resolves when something accepts connections on that port. */
export async function accepting(port: number, died: () => boolean): Promise<void> {
  const deadline = performance.now() + UP_MS
  while (performance.now() < deadline && !died()) {
    const socket = connect(port, '127.0.0.1')
    const accepted = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (accepted) return
    await sleep(20)
  }
  throw new BenchError(`mosquitto did not come up on port ${port}`, UNAVAILABLE)
}
