/** A real mosquitto on a free port, for one bench. */
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from './child.js'
import { BenchError } from './outcome.js'

const PATHS = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto', '/opt/homebrew/sbin/mosquitto']
const UP_MS = 10_000
const UNAVAILABLE = 69

export interface Broker {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/** Starts one with its files in `folder`; `more`: further lines of its configuration. */
export async function startBroker(folder: string, more: readonly string[] = []): Promise<Broker> {
  const program = PATHS.find((path) => existsSync(path))
  if (program === undefined)
    throw new BenchError('mosquitto is not installed (sudo apt install mosquitto)', UNAVAILABLE)
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(file, configuration(port, more))
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

function configuration(port: number, more: readonly string[]): string {
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
    ...more,
    // Started by root it would become a user who cannot read this file.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    '',
  ].join('\n')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new TypeError('a TCP server has an address')
  return address.port
}

async function accepting(port: number, died: () => boolean): Promise<void> {
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
