/** The whole line on real parts: a twin on a real pty, the real daemon, a real mosquitto, a subscriber. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SystemClock } from '../src/clock.js'
import { JournalReader } from '../src/journal/query.js'
import { FaultyLine } from '../simulators/faults.js'
import { ptyLine } from '../simulators/pty-line.js'
import { Rdm6300 } from '../simulators/rdm6300.js'
import { startBroker, type Broker } from '../simulators/sim/broker.js'
import { findProgram } from '../simulators/sim/process.js'
import { Subscriber } from '../simulators/subscriber.js'
import { freePort } from './support/broker.js'
import { startChild, type Child } from './support/child.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const CARDS = 1_000
const OUTAGE = { from: 333, to: 666 }
const KILLS = [250, 750]
const FAULTS = { noise: 0.3, split: 0.5, corrupt: 0.15, delay: 0.1, maxDelayMs: 5 }
/** Frames of a held card; a real module takes 65 ms, which would only make the test longer. */
const REPEAT_MS = 4

interface Punch {
  readonly id: string
  readonly seq: number
  readonly prev: number | null
  readonly verdict: string
  readonly credential: { readonly value: string }
}

/** Everything on a stage of its own. */
class Line {
  readonly received: Punch[] = []
  #daemon: Child | undefined
  readonly twin: Rdm6300
  readonly #config: string
  readonly #journal: string

  private constructor(
    folder: string,
    readonly broker: Broker,
    readonly wire: FaultyLine,
  ) {
    this.twin = new Rdm6300({ clock: new SystemClock(), line: wire, repeatMs: REPEAT_MS })
    this.#config = join(folder, 'config.yaml')
    this.#journal = join(folder, 'data', 'journal.db')
  }

  static async start(folder: string, seed: number): Promise<Line> {
    const broker = await startBroker(join(folder, 'broker'), await freePort(), 'mosquitto')
    const pty = await ptyLine(join(folder, 'tty'))
    const wire = new FaultyLine({ line: pty, plan: FAULTS, seed, clock: new SystemClock() })
    const line = new Line(folder, broker, wire)
    writeFileSync(line.#config, configText(folder, broker.port, pty.url))
    const onMessage = (_topic: string, text: string): void => void line.received.push(JSON.parse(text) as Punch)
    line.#subscriber = await Subscriber.connect({ ...broker, host: '127.0.0.1', topic: '+/+/+/+/punch/+', onMessage })
    return line
  }
  #subscriber: Subscriber | undefined

  /** Starts the daemon and waits until it has the port open. */
  async up(): Promise<void> {
    const daemon = startChild(process.execPath, ['dist/src/main.js', 'run', '--config', this.#config])
    this.#daemon = daemon
    await until(() => daemon.output.stderr.includes('Reader up'), 15_000, 'the reader')
  }

  async kill(): Promise<void> {
    this.#daemon?.process.kill('SIGKILL')
    await this.#daemon?.ended
  }

  /** Everything in the journal so far. */
  stored(): readonly Punch[] {
    if (this.#reader === undefined && existsSync(this.#journal))
      this.#reader = new JournalReader(this.#journal, [[0, 0]])
    for (const { json } of this.#reader?.records({ kind: 'punch', afterSeq: this.#stored.at(-1)?.seq ?? 0 }) ?? []) {
      this.#stored.push(JSON.parse(json) as Punch)
    }
    return this.#stored
  }
  readonly #stored: Punch[] = []
  #reader: JournalReader | undefined

  async close(): Promise<void> {
    this.#daemon?.process.kill('SIGTERM')
    await this.#daemon?.ended
    this.#reader?.close()
    await this.#subscriber?.close()
    await this.wire.close()
    await this.broker.close()
  }
}

function configText(folder: string, port: number, transport: string): string {
  return `version: 1
site: { id: flow }
gateway: { id: gw }
data: { path: ${folder}/data }
mqtt: { url: "mqtt://127.0.0.1:${port}" }
readers:
  - { id: gate, driver: rdm6300, transport: "${transport}", sim: true, options: { hold: 300ms } }
log: { level: info }
`
}

function card(index: number): string {
  return (0x0a_0000_0000 + index * 7_919).toString(16).toUpperCase().padStart(10, '0')
}

/** Each id once, in order of first arrival. */
function distinct(punches: readonly Punch[]): Punch[] {
  const seen = new Set<string>()
  return punches.filter(({ id }) => !seen.has(id) && seen.add(id))
}

/** In order, and every `prev` names the punch before. */
function assertUnbroken(punches: readonly Punch[]): void {
  let before: number | null = null
  for (const { seq, prev } of punches) {
    assert.equal(prev, before, `prev of seq ${seq}`)
    before = seq
  }
}

describe('the line from a card to the broker', function () {
  this.timeout(180_000)
  const folder = tempFolder()
  let line: Line | undefined

  beforeEach(async function () {
    for (const program of ['mosquitto', 'socat']) {
      if (findProgram(program) === undefined) return skip(this, `${program} is not installed`)
    }
    line = await Line.start(folder.path, 20_261_124)
  })
  afterEach(async () => {
    await line?.close()
    line = undefined
  })

  it(`brings ${CARDS} cards over a bad pty: all, once, in order`, async () => {
    assert.ok(line)
    const { twin, received } = line
    await line.up()
    for (let index = 0; index < CARDS; index++) {
      const presentation = twin.put(card(index))
      await until(() => presentation.whole > 0, 5_000, `a whole frame of card ${index}`)
      twin.remove()
    }
    await until(() => received.length >= CARDS, 20_000, `${CARDS} messages`)
    // Whatever came twice or too much would still be on its way.
    await sleep(500)
    assert.equal(received.length, CARDS)
    assert.deepEqual(
      received.map(({ credential }) => credential.value),
      Array.from({ length: CARDS }, (_, index) => card(index)),
    )
    assert.equal(distinct(received).length, CARDS)
    assertUnbroken(received)
    const { noise, split, corrupt } = line.wire.counts
    assert.ok(noise > 100 && split > 100 && corrupt > 50, JSON.stringify(line.wire.counts))
  })

  it('brings them through a broker outage and two SIGKILLs (A05)', async () => {
    assert.ok(line)
    const current = line
    await current.up()
    for (let index = 0; index < CARDS; index++) {
      if (index === OUTAGE.from) await current.broker.down()
      if (index === OUTAGE.to) await current.broker.up()
      const held = hold(current, card(index))
      if (KILLS.includes(index)) {
        await current.kill()
        await current.up()
      }
      await held
    }
    const stored = current.stored()
    await until(() => distinct(current.received).length >= stored.length, 60_000, 'all messages')
    await sleep(500)
    const received = distinct(current.received)
    assert.deepEqual(
      received.map(({ id }) => id),
      stored.map(({ id }) => id),
      'received is what was stored, in order of first arrival',
    )
    const accepted = received.filter(({ verdict }) => verdict === 'accepted')
    assert.deepEqual(
      accepted.map(({ credential }) => credential.value),
      Array.from({ length: CARDS }, (_, index) => card(index)),
    )
    assertUnbroken(received)
    console.log(
      `      redelivered: ${current.received.length - received.length} of ${current.received.length} messages`,
    )
  })
})

/** A person holds a card until the punch is seen on a screen: the reader itself cannot tell. */
async function hold(line: Line, tag: string): Promise<void> {
  line.twin.put(tag)
  await until(() => line.stored().at(-1)?.credential.value === tag, 30_000, `card ${tag} stored`)
  line.twin.remove()
}
