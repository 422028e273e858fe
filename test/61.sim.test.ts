/** Simulated readers as people use them: `sim run`, `sim up` and the demo, in processes of their own. */
import { strict as assert } from 'node:assert'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { whyNoPcscd } from '../simulators/pcsc/pcscd.js'
import { parseExpectation, SENTENCES } from '../simulators/scenario/expectations.js'
import type { BrokerName } from '../simulators/sim/broker-name.js'
import { sentenceOf } from '../simulators/sim/commands.js'
import { Ledger, type PunchFacts } from '../simulators/sim/ledger.js'
import { outcomes, sum, type Outcome } from '../simulators/sim/outcomes.js'
import { stamp } from '../simulators/sim/print.js'
import { findProgram } from '../simulators/sim/process.js'
import { readersOf } from '../simulators/sim/up.js'
import { startChild, type Child } from './support/child.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url))
/** A loaded machine starts many processes slowly. */
const LONG_MS = 90_000

interface Result {
  readonly ok: boolean
  readonly totals: Readonly<Record<string, number>>
  readonly expectations: readonly Outcome[]
}

const folder = { path: '' }

/** Its temporary files are in the folder of the test, where nothing may be left. */
function punchd(...args: string[]): Child {
  const env = { ...process.env, TMPDIR: folder.path }
  return startChild(process.execPath, [MAIN, ...args], { env })
}

async function run(
  scenario: string,
  ...options: string[]
): Promise<{ code: number | null; result: Result; stderr: string }> {
  const file = `${folder.path}/scenario.yaml`
  writeFileSync(file, scenario)
  const { code, stdout, stderr } = await punchd('sim', 'run', file, '--json', ...options).ended
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  return { code, result: JSON.parse(last === '' ? '{}' : last) as Result, stderr }
}

/** Processes that know the folder of this test. */
function strays(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter((command) => command.includes(folder.path))
}

function leftovers(): string[] {
  return readdirSync(folder.path).filter((name) => name.startsWith('punchd-'))
}

/** A folder for each test, in which nothing is left; hooks run in the order in which they are made. */
function cleanFolder(): void {
  afterEach(() => {
    assert.deepEqual(leftovers(), [])
    assert.deepEqual(strays(), [])
  })
  const temp = tempFolder()
  beforeEach(() => (folder.path = temp.path))
}

function needs(context: Mocha.Context, program: string): void {
  if (findProgram(program) === undefined) skip(context, `${program} is not installed (sudo apt install ${program})`)
}

const EVERYTHING = `expect:
  - all presented are stored
  - all stored are received exactly once
  - nothing shown green is missing
  - prev is unbroken
  - order by seq is kept
  - backlog is 0
  - all readers are up
`

describe('sim run', function () {
  this.timeout(LONG_MS)
  cleanFolder()

  it('plays PN532 boards: spoilt lines, a pulled cable, the light and the broker away', async () => {
    const scenario = `name: plates
people: { generate: 6 }
readers:
  north: { twin: pn532, over: tcp, direction: in, faults: { noise: 10%, split: 30%, corrupt: 5%, delay: 10% } }
  south: { twin: pn532, over: auto, direction: out }
timeline:
  - 0s..2s 4 people tap north
  - 0s..2s 3 people tap south
  - 1s unplug north for 500ms
  - 1s broker down for 1s
${EVERYTHING}  - presented: 7
  - accepted: 7
  - repeats: 0
`
    const { code, result, stderr } = await run(scenario)
    assert.deepEqual([code, result.expectations.filter(({ ok }) => !ok)], [0, []], stderr)
  })

  for (const broker of ['mosquitto', 'aedes'] satisfies BrokerName[]) {
    it(`brings every punch through an outage of ${broker} and a SIGKILL of the daemon`, async function () {
      if (broker === 'mosquitto') needs(this, 'mosquitto')
      const scenario = `name: rough
people: { generate: 12 }
readers:
  gate: { twin: rdm6300, over: tcp, direction: in, faults: { noise: 20%, split: 40%, corrupt: 10%, delay: 10% } }
timeline:
  - 0s..4s 10 people tap gate
  - 500ms broker down for 2s
  - 1500ms kill daemon
  - 3s kill daemon for 500ms
${EVERYTHING}  - presented: 10
  - accepted: 10
  - repeats: 0
`
      const { code, result, stderr } = await run(scenario, '--broker', broker)
      assert.deepEqual(
        result.expectations.filter(({ ok }) => !ok),
        [],
        stderr,
      )
      assert.deepEqual([code, result.ok, result.totals['duplicated'], result.totals['lost']], [0, true, 0, 0])
    })
  }

  it('a reader that types: noise between codes, cuts and a cable that is pulled', async () => {
    const scenario = `name: typed
people: { generate: 6 }
readers:
  gate: { twin: wedge, over: tcp, direction: in, faults: { noise: 20%, split: 40%, delay: 10% } }
timeline:
  - 0s..2s 6 people tap gate
  - 1s unplug gate for 500ms
${EVERYTHING}  - accepted: 6
`
    const { code, result, stderr } = await run(scenario, '--broker', 'aedes')
    assert.deepEqual([code, result.ok, result.totals['lost']], [0, true, 0], stderr)
  })

  it('over a pty: a cable that is pulled, a daemon that is stopped, repeats', async function () {
    needs(this, 'socat')
    const scenario = `name: cable
people: [anna, ben]
readers:
  gate: { twin: rdm6300, over: pty, direction: in, faults: { cut: 5% } }
timeline:
  - 0s anna taps gate 3 times
  - 2s unplug gate for 1s
  - 2200ms ben taps gate
  - 4s stop daemon for 500ms
  - 4100ms ben taps gate
${EVERYTHING}  - repeats: 3
`
    const { code, result, stderr } = await run(scenario)
    assert.deepEqual([code, result.expectations.filter(({ ok }) => !ok)], [0, []], stderr)
  })

  it('over a real pcscd that is restarted', async function () {
    const reason = whyNoPcscd()
    if (reason !== undefined) skip(this, reason)
    const scenario = `name: cards
people: [anna, ben, carla]
readers:
  desk: { twin: pcsc, direction: in }
  back: { twin: pcsc, direction: out }
timeline:
  - 0s anna taps desk
  - 0s ben taps back
  - 1s carla holds her card at desk for 1s
  - 3s pcscd down for 1s
  - 3500ms ben taps desk
${EVERYTHING}  - presented: 4
`
    const { code, result, stderr } = await run(scenario)
    assert.deepEqual([code, result.expectations.filter(({ ok }) => !ok)], [0, []], stderr)
  })

  it('tells what did not come true, and fails', async () => {
    const scenario = `name: hopes
people: [anna]
readers: { gate: { twin: rdm6300, over: tcp } }
timeline: [anna taps gate, 500ms broker down, 1s anna taps gate]
expect: [all stored are received exactly once, backlog is 0, repeats: 1, accepted: 2]
`
    const { code, result } = await run(scenario)
    assert.deepEqual([code, result.ok], [1, false])
    const found = result.expectations.map(({ expectation, ok }) => [expectation, ok])
    assert.deepEqual(found, [
      ['all stored are received exactly once', false],
      ['backlog is 0', false],
      ['repeats: 1', true],
      ['accepted: 2', false],
    ])
  })

  it('refuses a wrong scenario with 65 and the place, a wrong option with 64', async () => {
    writeFileSync(`${folder.path}/bad.yaml`, 'name: x\npeople: [anna]\nreaders: {}\ntimeline: [anna taps gate]\n')
    const bad = await punchd('sim', 'run', `${folder.path}/bad.yaml`).ended
    assert.deepEqual([bad.code, bad.stdout], [65, ''])
    assert.match(bad.stderr, /bad\.yaml:4:22 .*there is no reader "gate"/)
    assert.equal((await punchd('sim', 'run', `${folder.path}/bad.yaml`, '--speed', 'fast').ended).code, 64)
    assert.equal((await punchd('sim', 'up', '--readers', '2xnone').ended).code, 64)
  })

  it('leaves no process behind even when it is killed', async () => {
    writeFileSync(
      `${folder.path}/long.yaml`,
      'name: x\npeople: [anna]\nreaders: { gate: { twin: rdm6300 } }\ntimeline: [60s anna taps gate, 0s anna taps gate]\n',
    )
    const child = punchd('sim', 'run', `${folder.path}/long.yaml`)
    await until(() => child.output.stdout.includes('received'), 60_000, 'the first punch')
    child.process.kill('SIGKILL')
    await child.ended
    await until(() => strays().length === 0, 10_000, `${strays().join('; ')} to end`)
    for (const name of leftovers())
      await import('node:fs/promises').then(({ rm }) => rm(`${folder.path}/${name}`, { recursive: true }))
  })
})

describe('sim up and the demo', function () {
  this.timeout(LONG_MS)
  cleanFolder()

  it('taps by themselves until Ctrl-C, which ends everything in order', async () => {
    const child = punchd('sim', 'up', '--auto', '300ms', '--people', '3')
    await until(() => (child.output.stdout.match(/received/g) ?? []).length >= 3, 60_000, 'three punches')
    child.process.kill('SIGINT')
    const { code, stdout } = await child.ended
    assert.equal(code, 0)
    assert.match(stdout, /listen +mosquitto_sub -h 127\.0\.0\.1/)
    assert.match(
      stdout.trimEnd().split('\n').at(-1) ?? '',
      /^sim: (\d+) presented, \1 stored, \1 received, 0 lost, 0 duplicated$/,
    )
  })

  it('ends after the time that was asked for, with a line that is true', async () => {
    const startedMs = performance.now()
    const { code, stdout, stderr } = await punchd('demo', '--for', '12s').ended
    const seconds = (performance.now() - startedMs) / 1_000
    const last = stdout.trimEnd().split('\n').at(-1) ?? ''
    assert.match(last, /^demo: (\d+) presented, \1 stored, \1 received, 0 lost, 0 duplicated$/, stderr)
    assert.equal(code, 0)
    assert.match(stdout, /waiting for the broker[^]*after it was stored/)
    console.log(`      ${last}, in ${seconds.toFixed(1)} s`)
  })

  it('ends the demo at Ctrl-C with the same line', async () => {
    const child = punchd('demo')
    await until(() => child.output.stdout.includes('received'), 60_000, 'the first punch')
    child.process.kill('SIGINT')
    const { code, stdout } = await child.ended
    assert.equal(code, 0)
    assert.match(
      stdout.trimEnd().split('\n').at(-1) ?? '',
      /^demo: (\d+) presented, \1 stored, \1 received, 0 lost, 0 duplicated$/,
    )
  })
})

describe('the ledger', () => {
  const punch = (seq: number, over: Partial<PunchFacts> = {}): PunchFacts => ({
    id: `id-${seq}`,
    journal: 'j',
    seq,
    prev: seq === 1 ? null : seq - 1,
    reader: 'gate',
    card: 'A',
    verdict: 'accepted',
    ...over,
  })
  const judged = (ledger: Ledger, backlog = 0) => {
    const expected = Object.keys(SENTENCES)
      .map((name) => parseExpectation(name))
      .filter((one) => 'kind' in one)
    const failed = outcomes(expected, { ledger, backlog, readersUp: true }).filter(({ ok }) => !ok)
    return failed.map(({ expectation }) => expectation)
  }

  it('sums up a good day', () => {
    const ledger = new Ledger()
    for (const seq of [1, 2]) {
      ledger.present('gate', 'anna', 'A', 0)
      ledger.store(punch(seq, { verdict: seq === 1 ? 'accepted' : 'repeat' }), 1)
      ledger.receive(punch(seq), 2)
    }
    assert.equal(ledger.receive(punch(1), 3).first, false)
    assert.deepEqual(sum('demo', ledger.totals), {
      text: 'demo: 2 presented, 2 stored, 2 received, 0 lost, 0 duplicated',
      ok: true,
    })
    assert.deepEqual([ledger.totals.repeats, ledger.totals.accepted, ledger.totals.redelivered], [1, 1, 1])
    assert.deepEqual(judged(ledger), [])
  })

  it('does not call a lost, a doubled or an unknown punch a good day', () => {
    const lost = new Ledger()
    lost.present('gate', 'anna', 'A', 0).green = true
    assert.deepEqual(judged(lost), ['all presented are stored', 'nothing shown green is missing'])
    assert.deepEqual(sum('x', lost.totals), {
      text: 'x: 1 presented, 0 stored, 0 received, 1 lost, 0 duplicated',
      ok: false,
    })

    const doubled = new Ledger()
    doubled.present('gate', 'anna', 'A', 0)
    for (const seq of [1, 2]) {
      doubled.store(punch(seq), 1)
      doubled.receive(punch(seq), 1)
    }
    assert.deepEqual([doubled.totals.duplicated, sum('x', doubled.totals).ok], [1, false])

    const unsent = new Ledger()
    unsent.present('gate', 'anna', 'A', 0)
    unsent.store(punch(1), 1)
    assert.deepEqual(judged(unsent, 1), ['all stored are received exactly once', 'backlog is 0'])
    unsent.receive(punch(7), 2)
    assert.deepEqual(unsent.differences, { unreceived: ['id-1'], unknown: ['id-7'] })
  })

  it('sees gaps and a wrong order', () => {
    const ledger = new Ledger()
    for (const seq of [1, 3, 2, 5]) ledger.receive(punch(seq), 0)
    assert.deepEqual(
      judged(ledger).filter((name) => /prev|order/.test(name)),
      ['prev is unbroken', 'order by seq is kept'],
    )
  })
})

describe('what is typed at sim up', () => {
  it('turns short commands into sentences', () => {
    const commands = [
      'tap gate-1 anna',
      'tap gate-1',
      'tap gate-1 anna 5',
      'hold gate-1 anna 3s',
      'kill',
      'broker down',
      'unplug gate-1',
    ]
    assert.deepEqual(commands.map(sentenceOf), [
      'anna taps gate-1',
      'somebody taps gate-1',
      'anna taps gate-1 5 times',
      'anna holds the card at gate-1 for 3s',
      'kill daemon',
      'broker down',
      'unplug gate-1',
    ])
  })

  it('reads lists of readers', () => {
    assert.deepEqual(readersOf('2xrdm6300,1xpcsc'), ['rdm6300', 'rdm6300', 'pcsc'])
    assert.deepEqual(readersOf('pcsc'), ['pcsc'])
    assert.deepEqual(readersOf('pn532'), ['pn532'])
    for (const wrong of ['', 'x', '2xfoo', '0xrdm6300', '2 rdm6300']) assert.equal(readersOf(wrong), undefined, wrong)
  })

  it('shows minutes, seconds and tenths', () => {
    assert.deepEqual([0, 1_249, 61_000, 3_600_000].map(stamp), ['00:00.0', '00:01.2', '01:01.0', '60:00.0'])
  })
})
