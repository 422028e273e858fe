/** One hostile driver beside four good readers, by turns with the same readers alone. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { journalFile } from '../../src/config/paths.js'
import { JournalReader } from '../../src/journal/query.js'
import { startBroker, type Broker } from '../broker.js'
import { programFile } from '../child.js'
import { SITE } from '../fixture.js'
import { quantile } from '../outcome.js'
import { memoryOf } from '../proc.js'
import { Consumer } from './consumer.js'
import { FORGED, HOSTILE } from './hostile-drivers.js'
import { Life } from './life.js'
import { brokenPromises, lostOf } from './oracle.js'
import { Stored } from './stored.js'

const LOOK_MS = 50
/** WatchdogSec of these lives: systemd is told twice in it. */
const WATCHDOG_MS = 400
const SILENT_MS = 4 * WATCHDOG_MS
const FALL_MOST_MS = 15_000
const ARRIVE_MS = 60_000
/** Grace for a driver that does not end, the last records, the goodbye to the broker, a process that is held. */
const STOP_MOST_MS = 10_000

export interface Meeting {
  readonly folder: string
  readonly hostile: string
  readonly rounds: number
  /** How long each life takes punches. */
  readonly ms: number
  /** Shows green before it stores. */
  readonly cheat?: boolean
}

/** Figures of the good readers, in milliseconds and megabytes. */
export interface Figures {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly punches: number
  readonly peakMb: number
}

export interface Met {
  readonly hostile: string
  readonly alone: Figures
  readonly beside: Figures
  /** Records of the hostile reader. */
  readonly ofHostile: number
  /** The longest stop; undefined when it fell. */
  readonly stopMs: number | undefined
  /** How it fell, when it did. */
  readonly fell: string | undefined
  readonly greens: number
  readonly violations: readonly string[]
}

export async function meet(meeting: Meeting): Promise<Met> {
  mkdirSync(meeting.folder, { recursive: true })
  const broker = await startBroker(meeting.folder)
  const subscriber = await Consumer.connect(broker.url)
  try {
    return await new Encounter(meeting, broker, subscriber).run()
  } finally {
    await subscriber.close()
    await broker.stop()
  }
}

/** What lives of one kind showed. */
interface Shown {
  readonly tookMs: number[]
  peakKb: number
}

class Encounter {
  readonly #meeting: Meeting
  readonly #broker: Broker
  readonly #subscriber: Consumer
  readonly #data: string
  readonly #stored: Stored
  readonly #violations: string[] = []
  readonly #begunAt = Date.now()
  #round = 0
  #stopMs: number | undefined
  #fell: string | undefined

  constructor(meeting: Meeting, broker: Broker, subscriber: Consumer) {
    this.#meeting = meeting
    this.#broker = broker
    this.#subscriber = subscriber
    this.#data = join(meeting.folder, 'data')
    this.#stored = new Stored(journalFile({ data: { path: this.#data } }))
  }

  async run(): Promise<Met> {
    const { hostile, rounds } = this.#meeting
    const alone: Shown = { tookMs: [], peakKb: 0 }
    const beside: Shown = { tookMs: [], peakKb: 0 }
    for (let round = 0; round < rounds; round++) {
      await this.#live(undefined, alone)
      await this.#live(hostile, beside)
    }
    await this.#sendRest()
    const { lines, ofHostile } = this.#records()
    const integrity = this.#stored.verdict()
    const broken = brokenPromises({ stored: this.#stored, subscriber: this.#subscriber, integrity })
    return {
      hostile,
      alone: figuresOf(alone),
      beside: figuresOf(beside),
      ofHostile,
      stopMs: this.#stopMs,
      fell: this.#fell,
      greens: this.#stored.greens,
      violations: [...this.#violations, ...broken, ...lines],
    }
  }

  async #live(hostile: string | undefined, shown: Shown): Promise<void> {
    const life = this.#start(hostile)
    const watching = watchMemory(life, shown)
    await life.hasBegun()
    const fells = hostile === undefined ? undefined : HOSTILE[hostile]?.fells
    if (fells === undefined) await this.#stop(life)
    else this.#fell = fells === 'dies' ? await this.#die(life) : await this.#hang(life)
    await watching
    shown.tookMs.push(...life.told.map((us) => Number(us) / 1_000))
    this.#stored.check(life.lights)
  }

  #start(hostile: string | undefined): Life {
    this.#round += 1
    const env = {
      // Somebody listens as systemd does, and writes down what it hears.
      PATH: [notifier(this.#meeting.folder), process.env['PATH']].join(delimiter),
      NOTIFY_SOCKET: '/run/nobody',
      WATCHDOG_USEC: String(WATCHDOG_MS * 1_000),
      TORTURE_HEARD: this.#heardFile,
    }
    const flags = hostile === undefined ? [] : ['--hostile', hostile]
    const program = programFile('faults/child-hostile')
    const { cheat = false } = this.#meeting
    return new Life({ data: this.#data, port: this.#broker.port, round: this.#round, again: [], cheat, program, flags, env }) // prettier-ignore
  }

  async #stop(life: Life): Promise<void> {
    if (await life.endsWithin(this.#meeting.ms)) throw new Error(`the daemon fell: ${life.said.slice(-2_000)}`)
    const from = performance.now()
    await life.stopOrDie()
    this.#stopMs = Math.max(this.#stopMs ?? 0, performance.now() - from)
    if (this.#stopMs > STOP_MOST_MS) this.#violations.push(`a stop took ${Math.round(this.#stopMs)} ms`)
  }

  async #die(life: Life): Promise<string> {
    if (!(await life.endsWithin(FALL_MOST_MS))) throw new Error('the daemon did not fall: say so in the list')
    return `the process ended (${life.process.signalCode ?? `exit ${life.process.exitCode ?? '?'}`})`
  }

  /** As systemd: no sign of life for longer than WatchdogSec, then it is killed. */
  async #hang(life: Life): Promise<string> {
    const deadline = performance.now() + FALL_MOST_MS
    let [signs, since] = [this.#signs, performance.now()]
    while (performance.now() - since < SILENT_MS) {
      if (performance.now() > deadline) throw new Error('the daemon goes on: say so in the list')
      await sleep(LOOK_MS)
      if (this.#signs !== signs) [signs, since] = [this.#signs, performance.now()]
    }
    if (signs < 2) this.#violations.push('there was no sign of life before the block: its absence proves nothing')
    await life.killAt({ after: 'start', ms: 0 })
    return `no sign of life for ${SILENT_MS / WATCHDOG_MS} × WatchdogSec after ${signs}; killed`
  }

  get #heardFile(): string {
    return join(this.#meeting.folder, `heard-${this.#round}`)
  }

  get #signs(): number {
    const heard = existsSync(this.#heardFile) ? readFileSync(this.#heardFile, 'utf8') : ''
    return heard.split('WATCHDOG=1').length - 1
  }

  async #sendRest(): Promise<void> {
    const program = programFile('faults/child-hostile')
    const life = { data: this.#data, port: this.#broker.port, round: 0, again: [], cheat: false, program }
    const last = new Life(life, true)
    await last.hasBegun()
    const found = { stored: this.#stored, subscriber: this.#subscriber, integrity: '' }
    for (const deadline = performance.now() + ARRIVE_MS; lostOf(found) > 0 && performance.now() < deadline;)
      await sleep(50)
    await last.stop()
    this.#stored.check([])
    for (const deadline = performance.now() + SILENT_MS; lostOf(found) > 0 && performance.now() < deadline;)
      await sleep(50)
  }

  /** What stands in the journal that nobody but the hostile driver can have put there. */
  #records(): { lines: string[]; ofHostile: number } {
    const reader = new JournalReader(journalFile({ data: { path: this.#data } }), SITE.offsets)
    const lines = new Set<string>()
    let ofHostile = 0
    for (const { seq, json } of reader.records({})) {
      const { reader: at, place, direction, clock, sim } = JSON.parse(json) as Record<string, unknown>
      const { wall } = clock as { wall: number }
      if (json.includes(FORGED)) lines.add(`a forged field is stored, for one in record ${seq}`)
      if (wall < this.#begunAt || wall > Date.now())
        lines.add(`a moment of its own is stored, for one in record ${seq}`)
      if (at !== 'hostile') continue
      ofHostile += 1
      const isRight = place === 'elsewhere' && (direction === undefined || (direction === 'in' && sim === true))
      if (!isRight) lines.add(`a record of the hostile reader says another place, for one record ${seq}`)
    }
    reader.close()
    return { lines: [...lines], ofHostile }
  }
}

/** The peak of the resident memory, while it lives. */
async function watchMemory(life: Life, shown: Shown): Promise<void> {
  while (!(await life.endsWithin(LOOK_MS))) {
    try {
      shown.peakKb = Math.max(shown.peakKb, memoryOf(life.process).rssKb || 0)
    } catch {
      // It ended just now.
    }
  }
}

/** A folder with a `systemd-notify` that writes down what it is told. */
function notifier(folder: string): string {
  const path = join(folder, 'bin')
  const file = join(path, 'systemd-notify')
  mkdirSync(path, { recursive: true })
  writeFileSync(file, '#!/bin/sh\necho "$*" >> "$TORTURE_HEARD"\n')
  chmodSync(file, 0o755)
  return path
}

function figuresOf({ tookMs, peakKb }: Shown): Figures {
  return { p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99), punches: tookMs.length, peakMb: peakKb / 1_024 }
}
