/** A mosquitto of the test's own, on a free port, and somebody who listens to it. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt'
import { freePort } from '../../simulators/free-port.js'
import { startChild, type Child } from './child.js'
import { until } from './until.js'

export { freePort }

export function hasMosquitto(): boolean {
  return spawnSync('mosquitto', ['-h']).error === undefined
}

export class Broker {
  readonly port: number
  readonly #folder: string
  #child: Child | undefined

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.port = port
  }

  /** Starts one with these lines added to its configuration. */
  static async start(folder: string, lines: readonly string[] = []): Promise<Broker> {
    const broker = new Broker(folder, await freePort())
    broker.configure(lines)
    await broker.up()
    return broker
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  configure(lines: readonly string[]): void {
    const anonymous = lines.some((line) => line.startsWith('allow_anonymous')) ? [] : ['allow_anonymous true']
    // It would give up root, and then may not read what the test writes.
    const all = [
      'user root',
      'log_dest stderr',
      'max_queued_messages 0',
      `listener ${this.port} 127.0.0.1`,
      ...anonymous,
      ...lines,
    ]
    writeFileSync(join(this.#folder, 'mosquitto.conf'), `${all.join('\n')}\n`)
  }

  async up(): Promise<void> {
    const child = startChild('mosquitto', ['-c', join(this.#folder, 'mosquitto.conf')])
    this.#child = child
    await until(() => child.output.stderr.includes(' running'), 15_000, 'mosquitto')
  }

  /** What it logged since it is up. */
  get log(): string {
    return this.#child?.output.stderr ?? ''
  }

  /** Lets it read its files again. */
  async reload(): Promise<void> {
    const before = this.log.length
    this.signal('SIGHUP')
    await until(() => this.log.slice(before).includes('Reloading config'), 15_000, 'the reload')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.process.kill(signal)
  }

  /** Ends it as a power cut would. Safe to call twice. */
  async down(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    child?.process.kill('SIGKILL')
    await child?.ended
  }
}

export interface Heard {
  readonly topic: string
  readonly text: string
  readonly packet: IPublishPacket
}

/** Listens to everything, from what is retained on. */
export class Listener {
  readonly heard: Heard[] = []
  readonly #client: MqttClient

  private constructor(client: MqttClient) {
    this.#client = client
    client.on('message', (topic, payload, packet) => this.heard.push({ topic, text: payload.toString('utf8'), packet }))
  }

  static async listen(url: string, filter = 'punchd/#'): Promise<Listener> {
    const client = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 200 })
    const listener = new Listener(client)
    await client.subscribeAsync(filter, { qos: 1, rap: true })
    return listener
  }

  /** Messages whose topic ends so. */
  under(part: string): Heard[] {
    return this.heard.filter(({ topic }) => topic.includes(part))
  }
  json(part: string): Record<string, unknown>[] {
    return this.under(part).map(({ text }) => JSON.parse(text) as Record<string, unknown>)
  }
  /** The newest message of a topic as JSON. */
  last(part: string): Record<string, unknown> | undefined {
    return this.json(part).at(-1)
  }
  /** Numbers of the punches heard, in order of their coming. */
  get seqs(): number[] {
    return this.json('/punch/').map(({ seq }) => Number(seq))
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true)
  }
}
