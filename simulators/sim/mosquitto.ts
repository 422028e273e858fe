/** A private mosquitto, MQTT 5. It keeps the subscriber's session on disk, so that a restart loses nothing. */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, VerbError } from '../../src/errors.js'
import type { Broker } from './broker.js'
import { endProcess, isOver, lastLines, spawnOwned } from './process.js'

const HOST = '127.0.0.1'
const UP_MS = 10_000
const DOWN_MS = 5_000

export async function startMosquitto(program: string, folder: string, port: number): Promise<Broker> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'mosquitto.conf'), configText(folder, port))
  const broker = new Mosquitto(program, folder, port)
  await broker.up()
  return broker
}

function configText(folder: string, port: number): string {
  const lines = [
    `listener ${port} ${HOST}`,
    'allow_anonymous true',
    // Written when it is told to stop; a subscriber that comes back later than the gateway misses nothing.
    'persistence true',
    `persistence_location ${folder}/`,
    'autosave_interval 0',
    'max_queued_messages 0',
    'log_dest stderr',
  ]
  // Started by root it would become the user mosquitto, who may not write into this folder.
  if (process.geteuid?.() === 0) lines.push('user root')
  return `${lines.join('\n')}\n`
}

class Mosquitto implements Broker {
  readonly title = 'mosquitto, MQTT 5'
  readonly host = HOST
  readonly protocol = 5
  readonly port: number
  readonly #program: string
  readonly #folder: string
  #process: ChildProcess | undefined

  constructor(program: string, folder: string, port: number) {
    this.#program = program
    this.#folder = folder
    this.port = port
  }

  get isUp(): boolean {
    return this.#process !== undefined
  }

  async up(): Promise<void> {
    if (this.#process) return
    const log = join(this.#folder, 'mosquitto.log')
    const child = spawnOwned(this.#program, ['-c', join(this.#folder, 'mosquitto.conf')], { log })
    child.on('error', () => undefined) // The port that does not answer tells.
    const deadline = performance.now() + UP_MS
    while (!(await answers(this.port))) {
      if (isOver(child) || performance.now() > deadline) {
        child.kill('SIGKILL')
        throw new VerbError(EXIT.unavailable, 'broker-unreachable', 'mosquitto did not start', {
          hint: lastLines(log, 5),
        })
      }
      await sleep(20)
    }
    this.#process = child
  }

  async down(): Promise<void> {
    if (this.#process) await endProcess(this.#process, 'SIGTERM', DOWN_MS)
    this.#process = undefined
  }

  close(): Promise<void> {
    return this.down()
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST)
    const settle = (up: boolean): void => {
      socket.destroy()
      resolve(up)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}
