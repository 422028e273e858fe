/** The broker that goes away and comes back: the same port, the same sessions. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { accepting, asRoot, mosquittoProgram } from '../broker.js'
import { start } from '../child.js'

export class Upstream {
  readonly port: number
  readonly #file: string
  #child: ChildProcess | undefined

  constructor(folder: string, port: number) {
    this.port = port
    this.#file = join(folder, 'mosquitto.conf')
    mkdirSync(folder, { recursive: true })
    writeFileSync(this.#file, configuration(folder, port))
  }

  /** Resolves when it accepts connections. */
  async up(): Promise<void> {
    const child = start(mosquittoProgram(), ['-c', this.#file], { stdio: 'ignore' })
    this.#child = child
    await accepting(this.port, () => child.exitCode !== null)
  }

  /** Ends it in an orderly way: it writes down who has subscribed. */
  async down(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined) return
    const ended = once(child, 'close')
    child.kill('SIGTERM')
    await ended
  }
}

function configuration(folder: string, port: number): string {
  return [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    // The checker's subscription must outlive the outage: whatever comes before the checker is back waits for it.
    'persistence true',
    `persistence_location ${folder}/`,
    // Nothing of what is measured may be lost or slowed down here.
    'max_inflight_messages 0',
    'max_queued_messages 0',
    'set_tcp_nodelay true',
    'log_type error',
    ...asRoot(),
    '',
  ].join('\n')
}
