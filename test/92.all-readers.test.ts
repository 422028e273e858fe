/** Every reader at once in front of one daemon, 2,000 presentations, faults on every wire: each punch once, at its own door. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { SystemClock } from '../src/clock.js'
import { JournalReader } from '../src/journal/query.js'
import { drivers } from '../drivers/index.js'
import { FaultyLine, type FaultPlan } from '../simulators/faults.js'
import type { Line } from '../simulators/line.js'
import { OsdpBus } from '../simulators/osdp.js'
import { PrivatePcscd, whyNoPcscd } from '../simulators/pcsc/pcscd.js'
import { Pn532 } from '../simulators/pn532.js'
import type { ReaderPlan } from '../simulators/scenario/scenario.js'
import { QrScanner } from '../simulators/qr.js'
import { Rdm6300 } from '../simulators/rdm6300.js'
import { buildDesk } from '../simulators/sim/desk.js'
import { tcpLine } from '../simulators/tcp-line.js'
import { Wedge } from '../simulators/wedge.js'
import { cardBits, WiegandReader } from '../simulators/wiegand.js'
import { Zfm } from '../simulators/zfm.js'
import { logged, startDaemon } from './support/daemon.js'
import type { Child } from './support/child.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const SEED = 20_261_124
/** Wires with a check bear anything; on the others a wrong bit is another card, and nobody's fault. */
const ANY: FaultPlan = { noise: 0.2, split: 0.5, corrupt: 0.1, delay: 0.1, maxDelayMs: 5 }
const ASKED: FaultPlan = { noise: 0.05, split: 0.4, corrupt: 0.01, delay: 0.05, maxDelayMs: 5 }
const UNCHECKED: FaultPlan = { split: 0.5, delay: 0.2, maxDelayMs: 5 }
/** A person who was not served goes away and comes back. */
const PATIENCE_MS = 6_000
const VISITS = 8

interface Door {
  readonly id: string
  readonly times: number
  /** What the person with this number carries, as it is stored. */
  readonly value: (person: number) => string
  readonly present: (person: number) => void | Promise<void>
  readonly withdraw: () => void | Promise<void>
  /** From one person to the next. */
  readonly restMs: number
}

const clock = new SystemClock()
const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')

describe('all readers at once', function () {
  this.timeout(600_000)
  const folder = tempFolder()
  const closers: (() => unknown)[] = []
  const entries: string[] = []
  const doors: Door[] = []

  /** A wire with faults, and the entry of its reader. */
  async function wire(driver: string, plan: FaultPlan, options: string, more = ''): Promise<Line> {
    const tcp = await tcpLine()
    closers.push(() => tcp.close())
    entries.push(
      `  - { id: ${driver}, driver: ${driver}, transport: "${tcp.url}", sim: true, options: { ${options} }${more} }`,
    )
    return new FaultyLine({ line: tcp, plan, seed: SEED + entries.length, clock })
  }

  async function build(): Promise<void> {
    const tag = new Rdm6300({ clock, line: await wire('rdm6300', ANY, 'hold: 300ms'), repeatMs: 15 })
    doors.push({ id: 'rdm6300', times: 450, value: (n) => `0A${hex(n, 8)}`, present: (n) => void tag.put(`0A${hex(n, 8)}`), withdraw: () => tag.remove(), restMs: 20 }) // prettier-ignore
    const zfm = new Zfm({ clock, line: await wire('zfm', ASKED, 'poll: 20ms, capacity: 250') })
    for (let slot = 0; slot < 200; slot++) zfm.slots.set(slot, `finger-${slot}`)
    doors.push({ id: 'zfm', times: 120, value: String, present: (n) => zfm.place(`finger-${n}`), withdraw: () => zfm.lift(), restMs: 150 }) // prettier-ignore
    const pn = new Pn532({ clock, line: await wire('pn532', ASKED, 'poll: 20ms, hold: 200ms, felica: false') })
    doors.push({ id: 'pn532', times: 120, value: (n) => `04A1B2${hex(n, 8)}`, present: (n) => pn.put({ type: 'a', uid: `04A1B2${hex(n, 8)}` }), withdraw: () => pn.remove(), restMs: 50 }) // prettier-ignore
    const key = '000102030405060708090A0B0C0D0E0F'
    const points = `, points: [{ id: left, match: { address: 0 }, options: { keySecret: "${key}" } }, { id: right, match: { address: 1 } }]`
    const bus = new OsdpBus(await wire('osdp', ASKED, 'poll: 30ms', points))
    for (const [address, id] of ['left', 'right'].entries()) {
      const device = bus.add({ address, ...(address === 0 && { key, enforceSecure: true }) })
      doors.push({ id, times: 200, value: (n) => hex((7 + address) * 65_536 + n, 6), present: (n) => device.card(cardBits(26, 7 + address, n)), withdraw: () => undefined, restMs: 20 }) // prettier-ignore
    }
    const wiegand = new WiegandReader({ line: await wire('wiegand', UNCHECKED, 'hold: 300ms') })
    doors.push({ id: 'wiegand', times: 450, value: (n) => hex(9 * 65_536 + n, 6), present: (n) => void wiegand.send(cardBits(26, 9, n)), withdraw: () => undefined, restMs: 20 }) // prettier-ignore
    const qr = new QrScanner({ clock, line: await wire('qr', UNCHECKED, 'hold: 1s'), zones: { 0x05: 2 } })
    doors.push({ id: 'qr', times: 120, value: (n) => `VISITOR-${n}`, present: (n) => qr.show(`VISITOR-${n}`), withdraw: () => qr.hide(), restMs: 20 }) // prettier-ignore
    const wedge = new Wedge({ clock, line: await wire('wedge', UNCHECKED, 'format: hex, hold: 300ms'), burst: true })
    doors.push({ id: 'wedge', times: 340, value: (n) => `0B${hex(n, 8)}`, present: (n) => void wedge.put(`0B${hex(n, 8)}`), withdraw: () => wedge.remove(), restMs: 20 }) // prettier-ignore
  }

  /** Real pcscd with a virtual reader, where this machine can have it. */
  async function buildPcsc(): Promise<NodeJS.ProcessEnv> {
    if (whyNoPcscd() !== undefined) return {}
    const pcscd = await PrivatePcscd.start()
    closers.push(() => pcscd.stop())
    const plan: ReaderPlan = {
      id: 'pcsc',
      twin: 'pcsc',
      over: 'auto',
      direction: 'none',
      place: 'pcsc',
      faults: {},
      optional: false,
    }
    const desk = buildDesk(plan, { folder: folder.path, seed: SEED, clock, pcscd, slot: 0 })
    closers.push(() => desk.close())
    entries.push(`  - { id: pcsc, driver: pcsc, transport: "${desk.url}", sim: true }`)
    doors.push({ id: 'pcsc', times: 20, value: (n) => `04C0FFEE${hex(n, 6)}`, present: (n) => desk.lay(`04C0FFEE${hex(n, 6)}`), withdraw: () => desk.lift(), restMs: 300 }) // prettier-ignore
    return { PCSCLITE_CSOCK_NAME: pcscd.socketName }
  }

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  it('take 2,000 presentations: nothing lost, nothing doubled, nothing at another door', async () => {
    await build()
    const env = await buildPcsc()
    const config = folder.file('config.yaml')
    writeFileSync(
      config,
      `version: 1\nsite: { id: all }\ngateway: { id: gw }\ndata: { path: ${folder.path}/data }\nmqtt: { url: "mqtt://127.0.0.1:1" }\nreaders:\n${entries.join('\n')}\n`,
    )
    const daemon = await startDaemon(config, env)
    closers.push(() => stopped(daemon))
    const stored = new Stored(`${folder.path}/data/journal.db`)
    closers.push(() => stored.close())
    const ups = (): number => daemon.output.stderr.split('"event":"reader-up"').length - 1
    await until(() => ups() >= doors.length + 1, 60_000, 'all readers')
    await Promise.all(doors.map((door) => walkThrough(door, stored))).finally(() => tellLosses(daemon))
    stored.look()
    let presented = 0
    for (const { id, times, value } of doors) {
      const people = Array.from({ length: times }, (_, person) => value(person))
      presented += times
      assert.deepEqual(stored.accepted.get(id) ?? [], people, `accepted at ${id}, in order, each once`)
    }
    assert.equal(stored.others, 0, 'no punch at a reader that is none of these')
    assert.ok(presented >= 2_000, `${presented} presentations`)
    // Radios and networks hear people, and terminals keep a log: nothing is presented to them here.
    const touched = drivers.filter(({ transport, name }) => ['bytes', 'card'].includes(transport) && name !== 'zk-4370')
    assert.ok(touched.every(({ name }) => entries.some((entry) => entry.includes(`driver: ${name},`)) || (name === 'pcsc' && whyNoPcscd() !== undefined))) // prettier-ignore
  })

  /** One person after the other; who is not served tries again. */
  async function walkThrough({ id, times, value, present, withdraw, restMs }: Door, stored: Stored): Promise<void> {
    for (let person = 0; person < times; person++) {
      const wanted = value(person)
      for (let attempt = 1; !stored.has(id, wanted); attempt++) {
        assert.ok(attempt <= VISITS, `${id}: ${wanted} was not served in ${attempt - 1} visits`)
        await present(person)
        await until(() => stored.has(id, wanted), PATIENCE_MS).catch(() => undefined)
        await withdraw()
        // A reader that looks rarely, on a busy machine, takes two short visits for one long one: it must see that one is gone.
        await clock.sleep(restMs * 2 ** (attempt - 1))
      }
    }
  }
})

/** What the journal holds, read beside the daemon. */
class Stored {
  readonly accepted = new Map<string, string[]>()
  others = 0
  readonly #journal: JournalReader
  readonly #seen = new Set<string>()
  #seq = 0
  #looked = -Infinity

  constructor(file: string) {
    this.#journal = new JournalReader(file, [[0, 0]])
  }

  has(reader: string, value: string): boolean {
    if (clock.uptime() - this.#looked > 10) this.look()
    return this.#seen.has(`${reader} ${value}`)
  }

  look(): void {
    this.#looked = clock.uptime()
    for (const { seq, json } of this.#journal.records({ kind: 'punch', afterSeq: this.#seq })) {
      this.#seq = seq
      const { reader, verdict, credential } = JSON.parse(json) as {
        reader: string
        verdict: string
        credential: { value: string }
      }
      this.#seen.add(`${reader} ${credential.value}`)
      // A repeat is somebody who tried again because it took long; it is marked as such, and no second punch.
      if (verdict !== 'accepted') continue
      const list = this.accepted.get(reader) ?? []
      this.accepted.set(reader, [...list, credential.value])
    }
  }

  close(): void {
    this.#journal.close()
  }
}

/** What the faults did to the connections. */
function tellLosses(daemon: Child): void {
  for (const { reader, code, reason } of logged(daemon, 'reader-lost')) {
    console.log(`      lost: ${String(reader)}, ${String(code)}: ${String(reason)}`)
  }
}

async function stopped(daemon: Child): Promise<void> {
  daemon.process.kill('SIGTERM')
  await daemon.ended
}
