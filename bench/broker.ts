/** A real mosquitto on a free port, for one bench. */
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
  stop(): Promise<void>
}

/** Starts one with its files in `folder`. */
export async function startBroker(folder: string): Promise<Broker> {
  const program = mosquittoProgram()
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(file, configuration(port))
  const child = start(program, ['-c', file], { stdio: 'ignore' })
  const ended = once(child, 'close')
  await accepting(port, () => child.exitCode !== null)
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

export function mosquittoProgram(): string {
  const program = PATHS.find((path) => existsSync(path))
  if (program === undefined) throw new BenchError(NO_MOSQUITTO, UNAVAILABLE)
  return program
}

function configuration(port: number): string {
  return [
    `listener ${port} 127.0.0.1`,
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
    '',
  ].join('\n')
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
