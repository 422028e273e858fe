/** Some lives of one daemon on one journal, each killed at a point or stopped, and what was found after each. */
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../src/config/config.js'
import { journalFile } from '../../src/config/paths.js'
import type { Random } from '../../simulators/random.js'
import { startBroker, type Broker } from '../broker.js'
import { Consumer } from './consumer.js'
import { brokenPromises, lostNumbers } from './oracle.js'
import { Life } from './life.js'
import { giveReceipts, keepHouse } from './points-house.js'
import { isOfGate, LARGEST_PACKET, siteConfig } from './points-site.js'
import { Stored } from './stored.js'
import { whatIsWrong } from './verified.js'

/** Of the lights before a kill, so many cards are shown again after it. */
const AGAIN = 5
/** Then it is asked to stop, if it lives. */
const LIFE_MS = 1_100
const ARRIVE_MS = 30_000
/** From the broker to the consumer. */
const ON_ITS_WAY_MS = 2_000
const LAST_LIVES = 3
/** What a daemon says of how long it took to come up is only worth something on an idle machine. */
export const SOON_MS = 5_000

/** `first`: there is nothing yet. The others find a journal with yesterday's records and a people list. */
export type Kind = 'first' | 'later' | 'receipt'

export interface SeriesOptions {
  readonly kind: Kind
  readonly folder: string
  /** A folder of data to begin with. */
  readonly grown: string
  /** The daemon, with calls at its points. */
  readonly program: string
  readonly random: Random
  readonly cheat?: boolean
}

/** At which pass of which point it is to die. */
export interface Aim {
  readonly point: string
  readonly pass: number
}

export interface Lived {
  readonly killed: boolean
  /** How often each point was passed at least; only of a life without an aim. */
  readonly passes: ReadonlyMap<string, number>
}

export class Series {
  readonly #options: SeriesOptions
  readonly #broker: Broker
  readonly #data: string
  readonly consumer: Consumer
  readonly stored: Stored
  readonly violations: string[] = []
  #round = 0
  #again: string[] = []
  /** How long each start took until readers took punches. */
  readonly startsMs: number[] = []

  private constructor(options: SeriesOptions, broker: Broker, consumer: Consumer) {
    this.#options = options
    this.#broker = broker
    this.consumer = consumer
    this.#data = join(options.folder, 'data')
    if (options.kind !== 'first') cpSync(options.grown, this.#data, { recursive: true })
    this.stored = new Stored(journalFile({ data: { path: this.#data } }), undefined, true)
    if (options.kind !== 'first') this.#check([])
  }

  /** Begins one, lets it live as `act` says, and ends it; what breaks down is a violation of it. */
  static async run(options: SeriesOptions, act: (series: Series) => Promise<unknown>): Promise<Series> {
    mkdirSync(options.folder, { recursive: true })
    const broker = await startBroker(options.folder, [`max_packet_size ${LARGEST_PACKET}`])
    const series = new Series(options, broker, await Consumer.connect(broker.url))
    try {
      await act(series)
      await series.#end()
    } catch (error) {
      series.violations.push(error instanceof Error ? error.message : String(error))
    } finally {
      await series.consumer.close()
      await broker.stop()
    }
    return series
  }

  /** The next life: killed at `aim`, or stopped after a while. `beside` runs in the meantime. */
  async live(aim?: Aim, beside?: (config: Config) => Promise<void>): Promise<Lived> {
    const { kind, random } = this.#options
    this.#round += 1
    const life = this.#start(aim)
    const over = new AbortController()
    const begun = await life.hasBegun()
    const { config } = this
    const house =
      kind === 'first' || beside ? undefined : keepHouse({ config, round: this.#round, random, over: over.signal })
    const receipts = kind === 'receipt' ? giveReceipts(this.consumer, random, over.signal) : undefined
    // Awaited below; until then what it throws is nobody's.
    house?.catch(() => undefined)
    const work = beside ? beside(config) : life.isKilledWithin(LIFE_MS)
    await (begun ? work : undefined)
    const killed = !begun || (await life.isKilledWithin(0)) || !(await life.stopOrDie())
    over.abort()
    await Promise.all([house, receipts])
    if (life.begunAfterMs !== undefined) this.startsMs.push(life.begunAfterMs)
    this.#lights.push(...life.lights)
    if (!killed || kind !== 'first') this.#check(this.#lights.splice(0))
    return { killed, passes: passesIn(life.told) }
  }

  /** Shown, and not compared yet: at a first start there may be nothing to compare with. */
  readonly #lights: Life['lights'] = []

  get folder(): string {
    return this.#options.folder
  }

  get config(): Config {
    const settle = this.#options.kind === 'receipt' ? 'receipt' : 'puback'
    return siteConfig({ data: this.#data, port: this.#broker.port, settle })
  }

  #start(aim: Aim | undefined): Life {
    const { kind, program, cheat = false } = this.#options
    const env = {
      TORTURE_HOUR_MS: '200',
      ...(aim ? { TORTURE_POINT: `${aim.point}:${aim.pass}` } : { TORTURE_TOLD: '1' }),
    }
    const flags = ['--settle', kind === 'receipt' ? 'receipt' : 'puback']
    const life = { data: this.#data, port: this.#broker.port, round: this.#round, again: this.#again, cheat }
    return new Life({ ...life, program, flags, env })
  }

  #check(lights: Life['lights']): void {
    this.stored.check(lights)
    const wrong = whatIsWrong(journalFile({ data: { path: this.#data } }))
    if (wrong !== undefined) this.violations.push(`verify after life ${this.#round}: ${wrong}`)
    const greens = lights.filter(({ verdict, card }) => verdict === 'accepted' && isOfGate(card))
    if (greens.length > 0) this.#again = greens.slice(-AGAIN).map(({ card }) => card)
  }

  /** Last lives without people, which send what is left; then everything is compared. */
  async #end(): Promise<void> {
    // What is stored in the last moment of a stop leaves with the next start.
    for (let life = 0; life < LAST_LIVES && (life === 0 || this.#waiting() > 0); life++) await this.#sendRest()
    const integrity = this.stored.verdict()
    const { stored, consumer: subscriber } = this
    this.violations.push(...brokenPromises({ stored, subscriber, integrity }, { aside: true, empty: true }))
  }

  async #sendRest(): Promise<void> {
    const { program, kind } = this.#options
    const flags = ['--settle', kind === 'receipt' ? 'receipt' : 'puback']
    const life = { data: this.#data, port: this.#broker.port, round: 0, again: [], cheat: false, program, flags }
    const last = new Life(life, true)
    await last.hasBegun()
    await this.#arrived(ARRIVE_MS)
    await last.stop()
    this.#check(this.#lights.splice(0))
    await this.#arrived(ON_ITS_WAY_MS)
  }

  async #arrived(mostMs: number): Promise<void> {
    const deadline = performance.now() + mostMs
    while (this.#waiting() > 0 && performance.now() < deadline) {
      await sleep(100)
      // Meanwhile more is stored, and more set aside.
      this.stored.check([])
    }
  }

  #waiting(): number {
    const { stored, consumer: subscriber } = this
    return lostNumbers({ stored, subscriber, integrity: '' }, stored.aside).length
  }
}

function passesIn(told: readonly string[]): Map<string, number> {
  const passes = new Map<string, number>()
  for (const line of told) {
    const [point = '', count] = line.split(' ')
    passes.set(point, Number(count))
  }
  return passes
}
