/** Readers, daemon, broker and the reference consumer, each a real one that can die. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { Broker } from './broker.js'
import { startChild, type Child } from './child.js'
import { startDaemon, verb, writeConfig } from './daemon.js'
import { Tapper } from './taps.js'
import { until } from './until.js'

const MAIN = fileURLToPath(new URL('./consumer/main.js', import.meta.url))
const READERS = 4

export interface Kept {
  /** Ids of the punches, sorted. */
  readonly ids: string[]
  /** What followed from them. */
  readonly tally: number
}

export class ConsumerLine {
  readonly #folder: string
  readonly #config: string
  readonly #tappers: readonly Tapper[]
  readonly broker: Broker
  #daemon: Child | undefined
  #consumer: Child | undefined
  #tapped = 0

  private constructor(folder: string, broker: Broker, tappers: readonly Tapper[], protocol: 4 | 5) {
    this.#folder = folder
    this.broker = broker
    this.#tappers = tappers
    this.#config = writeConfig(folder, {
      url: broker.url,
      mqtt: ['settle: receipt', `protocol: ${protocol}`],
      readers: tappers.map((tapper, index) => tapper.reader(`gate-${index}`)),
    })
  }

  static async start(folder: string, protocol: 4 | 5 = 5): Promise<ConsumerLine> {
    const persistence = ['persistence true', `persistence_location ${folder}/`, 'autosave_interval 1']
    const broker = await Broker.start(folder, persistence)
    const tappers = await Promise.all(Array.from({ length: READERS }, () => Tapper.start()))
    const line = new ConsumerLine(folder, broker, tappers, protocol)
    await line.daemonUp()
    return line
  }

  async daemonUp(): Promise<void> {
    this.#daemon = await startDaemon(this.#config)
    await Promise.all(this.#tappers.map((tapper) => tapper.connected()))
  }

  async daemonDies(): Promise<void> {
    this.#daemon?.process.kill('SIGKILL')
    await this.#daemon?.ended
  }

  get daemonLog(): string {
    return this.#daemon?.output.stderr ?? ''
  }

  consumerUp(options: Readonly<Record<string, unknown>> = {}): Child {
    const given = { url: this.broker.url, file: this.consumerFile, lookEveryMs: 500, ...options }
    this.#consumer = startChild(process.execPath, [MAIN, JSON.stringify(given)])
    return this.#consumer
  }

  get consumerFile(): string {
    return join(this.#folder, 'consumer.db')
  }

  async consumerDies(): Promise<void> {
    this.#consumer?.process.kill('SIGKILL')
    await this.#consumer?.ended
  }

  /** The consumer falls behind, so that the broker has much for it; then that is lost. */
  async wipeWhileBehind(): Promise<void> {
    this.#consumer?.process.kill('SIGSTOP')
    await sleep(1_000)
    await this.wipeBroker()
    this.#consumer?.process.kill('SIGCONT')
  }

  /** The broker loses all it has, and comes back. */
  async wipeBroker(): Promise<void> {
    await this.broker.down()
    rmSync(join(this.#folder, 'mosquitto.db'), { force: true })
    await this.broker.up()
  }

  /** Lays on so many cards, each another, at so many a second. */
  async tap(count: number, aSecond = 2_000): Promise<void> {
    const from = performance.now()
    for (let done = 0; done < count;) {
      const due = Math.min(count, Math.ceil(((performance.now() - from) / 1_000) * aSecond))
      for (; done < due; done++) {
        const tag = (++this.#tapped).toString(16).toUpperCase().padStart(10, '0')
        this.#tappers[this.#tapped % READERS]?.tap(tag)
      }
      await sleep(2)
    }
  }

  /** What the journal has. */
  async stored(): Promise<string[]> {
    const { stdout, stderr, code } = await verb(['punches', '--json', '--config', this.#config])
    if (code !== 0) throw new Error(stderr)
    const lines = stdout.split('\n').filter((line) => line !== '')
    return lines.map((line) => (JSON.parse(line) as { id: string }).id).sort()
  }

  /** Records that wait for a receipt. */
  async waiting(): Promise<number> {
    const { stdout } = await verb(['backlog', '--json', '--limit', '100000', '--config', this.#config])
    return (JSON.parse(stdout) as unknown[]).length
  }

  /** What the consumer has. */
  kept(): Kept {
    const ids = this.#ask(`SELECT id FROM record WHERE body LIKE '%"schema":"punch/1"%'`) as string[]
    return { ids: ids.sort(), tally: this.tally() }
  }

  /** What followed from it so far: that can be asked often. */
  tally(): number {
    return Number(this.#ask('SELECT coalesce(sum(punches), 0) FROM tally')[0] ?? 0)
  }

  #ask(question: string): unknown[] {
    if (!existsSync(this.consumerFile)) return []
    const db = new Database(this.consumerFile, { readonly: true })
    try {
      const ready = db.prepare(`SELECT count(*) FROM sqlite_master WHERE name IN ('record', 'tally')`).pluck().get()
      // It may be only about to begin.
      return ready === 2 ? db.prepare(question).pluck().all() : []
    } finally {
      db.close()
    }
  }

  /** All receipts are there. */
  async settled(timeoutMs: number): Promise<void> {
    await until(async () => (await this.waiting()) === 0, timeoutMs, 'the receipts')
  }

  async close(): Promise<void> {
    await this.consumerDies()
    await this.daemonDies()
    for (const tapper of this.#tappers) await tapper.close()
    await this.broker.down()
  }
}
