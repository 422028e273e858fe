/** Scenario files: every form of a sentence, and every problem with its line and column. */
import { strict as assert } from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { milliseconds, whenOf } from '../simulators/scenario/durations.js'
import { COUNTS, SENTENCES } from '../simulators/scenario/expectations.js'
import { checkScenario, loadScenario } from '../simulators/scenario/load.js'
import { DEEDS, type Scenario, type Step } from '../simulators/scenario/scenario.js'
import { jsonSchema } from '../simulators/scenario/schema.js'
import { lengthOf, plan } from '../simulators/sim/plan.js'
import { root } from './support/root.js'

const HEAD = `name: test
people:
  - { name: anna, card: "0A00123456" }
  - ben
  - { generate: 4 }
readers:
  gate: { twin: rdm6300, direction: in, place: hall, faults: { noise: 10%, split: 0.3, maxDelay: 20ms } }
  desk: { twin: pcsc, optional: true }
timeline:
`
const SCENARIOS = join(root, 'simulators/scenarios')

function read(timeline: string, more = ''): Scenario {
  const { scenario, problems } = checkScenario('test.yaml', `${HEAD}${timeline}\n${more}`)
  assert.deepEqual(problems, [])
  return scenario!
}

/** The step that a sentence says; what is at its usual value left out. */
function step(sentence: string): Partial<Step> {
  const [first] = read(`  - ${sentence}`).steps
  const { everyMs, times, readers, ...rest } = first!
  const unusual = { ...(everyMs === 1_000 ? {} : { everyMs }), ...(times === 1 ? {} : { times }) }
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return { ...given, ...unusual, ...(readers.length === 0 ? {} : { readers }) }
}

const anna = { kind: 'person', name: 'anna' } as const
const FORMS: readonly [string, Partial<Step>][] = [
  ['2s anna taps gate', { do: 'tap', atMs: 2_000, who: anna, readers: ['gate'] }],
  ['anna taps gate', { do: 'tap', atMs: 0, who: anna, readers: ['gate'] }],
  ['1s anna taps gate 5 times', { do: 'tap', atMs: 1_000, who: anna, readers: ['gate'], times: 5 }],
  [
    '1s anna taps gate 5 times every 2s',
    { do: 'tap', atMs: 1_000, who: anna, readers: ['gate'], times: 5, everyMs: 2_000 },
  ],
  ['1s..9s anna taps gate 5 times', { do: 'tap', atMs: 1_000, untilMs: 9_000, who: anna, readers: ['gate'], times: 5 }],
  [
    '5s..25s 30 people tap gate',
    { do: 'tap', atMs: 5_000, untilMs: 25_000, who: { kind: 'some', count: 30 }, readers: ['gate'] },
  ],
  [
    '1m30s everyone taps gate and desk',
    { do: 'tap', atMs: 90_000, who: { kind: 'everyone' }, readers: ['gate', 'desk'] },
  ],
  [
    '500ms somebody taps gate or desk',
    { do: 'tap', atMs: 500, who: { kind: 'some', count: 1 }, readers: ['gate', 'desk'] },
  ],
  ['1 person taps gate, desk', { do: 'tap', atMs: 0, who: { kind: 'some', count: 1 }, readers: ['gate', 'desk'] }],
  ['anna holds her card at gate for 2s', { do: 'hold', atMs: 0, who: anna, readers: ['gate'], forMs: 2_000 }],
  [
    '1.5s ben holds the card on desk for 500ms',
    { do: 'hold', atMs: 1_500, who: { kind: 'person', name: 'ben' }, readers: ['desk'], forMs: 500 },
  ],
  ['3s unplug gate for 2s', { do: 'unplug', atMs: 3_000, readers: ['gate'], forMs: 2_000 }],
  ['3s unplug gate', { do: 'unplug', atMs: 3_000, readers: ['gate'] }],
  ['4s plug in gate', { do: 'plug', atMs: 4_000, readers: ['gate'] }],
  ['4s plug gate', { do: 'plug', atMs: 4_000, readers: ['gate'] }],
  ['8s broker down for 4s', { do: 'broker-down', atMs: 8_000, forMs: 4_000 }],
  ['8s broker down', { do: 'broker-down', atMs: 8_000 }],
  ['9s broker up', { do: 'broker-up', atMs: 9_000 }],
  ['9s kill daemon', { do: 'kill-daemon', atMs: 9_000 }],
  ['9s kill daemon for 2s', { do: 'kill-daemon', atMs: 9_000, forMs: 2_000 }],
  ['9s stop daemon for 2s', { do: 'stop-daemon', atMs: 9_000, forMs: 2_000 }],
  ['9s start daemon', { do: 'start-daemon', atMs: 9_000 }],
  ['9s pcscd down for 1s', { do: 'pcscd-down', atMs: 9_000, forMs: 1_000 }],
  ['9s pcscd up', { do: 'pcscd-up', atMs: 9_000 }],
  ['9s pcscd restarts', { do: 'pcscd-restart', atMs: 9_000 }],
  ['9s restart pcscd', { do: 'pcscd-restart', atMs: 9_000 }],
]

/** A wrong line of the timeline: where its caret stands (counted from the first character of the line's text) and what is said. */
const WRONG: readonly [string, string, RegExp, RegExp?][] = [
  ['2s ana taps gate', 'ana', /nobody is called "ana"/, /did you mean "anna"\?/],
  ['2s anna taps gat', 'gat', /there is no reader "gat"/, /did you mean "gate"\?/],
  ['2s anna tups gate', 'tups', /"tups" is not expected here/, /did you mean "taps"\?/],
  ['anna taps desk', 'desk', /anna has no card that desk reads/, /NFC/],
  ['2s brokr down', 'brokr', /nobody is called "brokr"/, /did you mean "broker"\?/],
  ['broker sideways', 'sideways', /not expected/, /down, up/],
  ['unplug desk', 'desk', /desk is a pcsc reader/, /pcscd down/],
  ['kill demon', 'demon', /not expected/, /daemon/],
  ['anna taps gate 5 tims', 'tims', /not expected/, /times/],
  ['anna holds her card at gate for 2x', '2x', /"2x" is no length of time/],
  ['9s..2s 30 people tap gate', '9s..2s', /is no time/],
  ['3s..5s anna taps gate', '3s..5s', /a range of time needs several taps/],
  ['0 people tap gate', '0', /1 to 10000/],
  ['anna taps gate now', 'now', /too much/],
]

describe('a scenario file', () => {
  for (const [sentence, expected] of FORMS) it(`knows "${sentence}"`, () => assert.deepEqual(step(sentence), expected))

  it('takes the same as a map', () => {
    const maps = `
  - { at: 2s, do: tap, who: anna, reader: gate }
  - { at: 5s..25s, do: tap, who: 30, reader: [gate, desk] }
  - { at: 6s, do: hold, who: ben, reader: desk, for: 2s }
  - { at: 8s, do: broker-down, for: 4s }
  - { at: 9s, do: unplug, reader: gate, for: 1s }
  - { at: 9s, do: tap, who: everyone, reader: gate, times: 3, every: 2s }`
    const sentences = `
  - 2s anna taps gate
  - 5s..25s 30 people tap gate or desk
  - 6s ben holds his card at desk for 2s
  - 8s broker down for 4s
  - 9s unplug gate for 1s
  - 9s everyone taps gate 3 times every 2s`
    const plain = (timeline: string): unknown => JSON.parse(JSON.stringify(read(timeline).steps))
    assert.deepEqual(plain(maps), plain(sentences))
  })

  it('knows every deed by a sentence', () => {
    assert.deepEqual(new Set(FORMS.map(([, { do: deed }]) => deed)), new Set(DEEDS))
  })

  it('lets a step without a time follow the one before', () => {
    const { steps } = read(`
  - 2s anna holds her card at gate for 3s
  - ben taps gate 3 times every 2s
  - broker down for 1s
  - anna taps gate`)
    assert.deepEqual(
      steps.map(({ atMs }) => atMs),
      [2_000, 5_000, 9_000, 10_000],
    )
  })

  it('fills in what is left out', () => {
    const { seed, speed, timezone, repeatWindow, people, readers, expect } = read('  - anna taps gate')
    assert.deepEqual([seed, speed, timezone, repeatWindow], [1, 1, 'UTC', '5m'])
    assert.deepEqual(people[0]?.cards, { em4100: '0A00123456' })
    assert.match(people[1]?.cards.nfc ?? '', /^04[0-9A-F]{12}$/)
    assert.equal(new Set(people.map(({ name }) => name)).size, 6)
    assert.deepEqual(readers[0]?.faults, { noise: 0.1, split: 0.3, maxDelayMs: 20 })
    assert.deepEqual([readers[0]?.place, readers[1]?.place, readers[1]?.over], ['hall', 'desk', 'auto'])
    assert.equal(expect.length, 6)
  })

  for (const [line, at, message, suggestion] of WRONG) {
    it(`points at "${at}" in "${line}"`, () => {
      const { problems } = checkScenario('test.yaml', `${HEAD}  - ${line}\n`)
      assert.equal(problems.length, 1)
      const [problem] = problems
      assert.match(problem!.message, message)
      if (suggestion) assert.match(problem!.suggestion ?? '', suggestion)
      // Four characters stand before the sentence; columns count from one.
      assert.deepEqual([problem!.line, problem!.column], [10, 5 + line.lastIndexOf(at)])
    })
  }

  it('points into quoted sentences too, and at the beginning of folded ones', () => {
    const { problems } = checkScenario('t.yaml', `${HEAD}  - "2s ana taps gate"\n  - >-\n    2s ana\n    taps gate\n`)
    assert.deepEqual(
      problems.map(({ line, column }) => [line, column]),
      [
        [10, 9],
        [11, 5],
      ],
    )
  })

  it('reports all problems at once, wherever they are', () => {
    const { scenario, problems } = checkScenario(
      't.yaml',
      `nam: x
people: [{ name: anna, card: 0012 }, { name: kill }, anna, { name: eve, cards: ["0A00123456", "0A00123457"] }]
readers:
  Gate: { twin: rdm6300, over: pcsc }
  b: { twin: rdm630 }
  c: { twin: pcsc, faults: { noise: 10% } }
timeline:
  - { at: 3s, do: tapp }
  - { at: 3s, do: hold, who: eve, reader: b }
expect: [all presented are stord, { repeat: 4 }, { repeats: many }]
`,
    )
    assert.equal(scenario, undefined)
    const found = problems.map(
      ({ line, path, message, suggestion }) => `${line} ${path}: ${message} ${suggestion ?? ''}`,
    )
    const expected = [
      /^1 nam: unknown key "nam" did you mean "name"\?/,
      /^1 name: is missing/,
      /people\[0\].card: a card number is a text put it in quotes/,
      /people\[1\].name: "kill" is a word of the timeline/,
      /people\[3\]: eve has two cards of one kind/,
      /^4 readers.Gate: a reader id is/,
      /^4 readers.Gate.over: rdm6300 cannot be had over pcsc/,
      /^5 readers.b.twin: there is no twin "rdm630" did you mean "rdm6300"\?/,
      /^6 readers.c.faults: pcsc has no line/,
      /^8 timeline\[0\].do: "tapp" is nothing that can be done did you mean "tap"\?/,
      /^9 timeline\[1\].do: hold needs "for"/,
      /^10 expect\[0\]: .* did you mean "all presented are stored"\?/,
      /^10 expect\[1\].repeat: .* did you mean "repeats"\?/,
      /^10 expect\[2\].repeats: must be a whole number/,
    ]
    for (const pattern of expected)
      assert.ok(
        found.some((line) => pattern.test(line)),
        `${pattern} in\n${found.join('\n')}`,
      )
  })

  it('that is no YAML, or is not there, is said so', () => {
    assert.match(checkScenario('t.yaml', 'a: [').problems[0]?.message ?? '', /./)
    assert.match(loadScenario('/nowhere.yaml').problems[0]?.message ?? '', /cannot be read/)
  })

  it('comes with punchd in valid examples', () => {
    for (const name of readdirSync(SCENARIOS)) assert.deepEqual(loadScenario(join(SCENARIOS, name)).problems, [], name)
  })

  it('has a JSON Schema', () => {
    const schema = jsonSchema() as { properties: Record<string, unknown> }
    assert.deepEqual(Object.keys(schema.properties).sort(), [
      'expect',
      'name',
      'people',
      'readers',
      'repeatWindow',
      'seed',
      'site',
      'speed',
      'timeline',
    ])
  })

  it('is described in the README: every step, expectation and key', () => {
    const text = readFileSync(join(root, 'simulators/README.md'), 'utf8')
    const words = [
      ...DEEDS,
      ...Object.keys(SENTENCES),
      ...Object.keys(COUNTS),
      'noise',
      'split',
      'corrupt',
      'delay',
      'maxDelay',
      'cut',
    ]
    for (const word of words) assert.ok(text.includes(word), word)
  })
})

describe('durations', () => {
  it('are written in minutes, seconds and milliseconds', () => {
    const written = ['500ms', '2s', '1.5s', '1m30s', '2m', '1s500ms']
    assert.deepEqual(written.map(milliseconds), [500, 2_000, 1_500, 90_000, 120_000, 1_500])
    for (const wrong of ['', '2', 's', '2h', '-1s', '1s1m', '1..2s'])
      assert.equal(milliseconds(wrong), undefined, wrong)
    assert.deepEqual(whenOf('2s..1m'), { atMs: 2_000, untilMs: 60_000 })
  })
})

describe('a plan', () => {
  const cast = ({ people, readers }: Scenario) => ({
    people,
    twins: new Map(readers.map(({ id, twin }) => [id, twin])),
  })
  const planned = (timeline: string, seed = 1) => {
    const scenario = read(timeline)
    return plan(scenario.steps, cast(scenario), seed)
  }

  it('spreads a crowd over its range, everybody once before anybody twice', () => {
    const actions = planned('  - 2s..8s 12 people tap gate')
    assert.equal(actions.length, 12)
    assert.ok(actions.every(({ atMs }) => atMs >= 2_000 && atMs <= 8_000))
    assert.ok(actions.every(({ atMs }, index) => index === 0 || atMs >= actions[index - 1]!.atMs))
    const names = actions.map((action) => (action.do === 'present' ? action.person : ''))
    for (const name of new Set(names)) assert.equal(names.filter((other) => other === name).length, 2, name)
  })

  it('is the same for the same seed, and another for another', () => {
    const timeline = '  - 2s..8s 12 people tap gate or desk'
    assert.deepEqual(planned(timeline), planned(timeline))
    assert.notDeepEqual(planned(timeline), planned(timeline, 2))
  })

  it('sends nobody to a reader that does not read their card', () => {
    const actions = planned('  - 30 people tap gate or desk')
    assert.ok(
      !actions.some((action) => action.do === 'present' && action.person === 'anna' && action.reader === 'desk'),
    )
  })

  it('has the end of whatever lasts', () => {
    assert.deepEqual(planned('  - 2s broker down for 3s'), [
      { atMs: 2_000, do: 'broker', up: false },
      { atMs: 5_000, do: 'broker', up: true },
    ])
    assert.deepEqual(planned('  - 2s kill daemon'), [{ atMs: 2_000, do: 'daemon', what: 'restart' }])
    assert.equal(lengthOf(planned('  - 2s..6s anna taps gate 5 times')), 6_000)
  })
})
