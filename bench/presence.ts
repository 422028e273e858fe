/** presence: a day of a large site, a million signs of life, through the policy: everybody's comings and goings, in flat memory. */
import { between, seeded, type Random } from '../simulators/random.js'
import { Presence } from '../src/policy/presence.js'
import type { Moment, Sample } from '../src/model.js'
import { heapAfterCollection } from '../test/support/heap.js'
import { BenchError, outcomeOf, round, type Bench } from './outcome.js'

const EVENTS = 1_000_000
const QUICK_EVENTS = 20_000
/** One for so many signs: each is heard every 18 seconds. */
const SIGNS_OF_ONE = 2_000
const DAY_S = 86_400
/** In the house, seconds of the day: before and after lunch. */
const HERE: readonly (readonly [from: number, to: number])[] = [
  [8 * 3_600, 12 * 3_600],
  [13 * 3_600, 17 * 3_600],
]
const HERE_S = HERE.reduce((sum, [from, to]) => sum + to - from, 0)
const RULES = { samples: 3, withinMs: 60_000, enterDbm: -75, leaveDbm: -83, awayMs: 600_000, graceMs: 300_000, settleMs: 5_000 } // prettier-ignore
/** Everybody is in the house by then. */
const FIRST_LOOK_S = 10 * 3_600
/** Phones that walk by, each with an address of its own. */
const STRANGERS = 0.2

export const presence: Bench = {
  name: 'presence',
  title: 'heap after the whole day ÷ heap after its first tenth, a million signs of life',
  goal: { bound: 'at most', limit: 1.1 },

  run({ quick, say }) {
    const rounds = quick ? 1 : 3
    const events = quick ? QUICK_EVENTS : EVENTS
    const ratios: number[] = []
    const rates: number[] = []
    for (let turn = 1; turn <= rounds; turn++) {
      const { heaps, perSecond, arrived, left } = aDay(events, seeded(turn))
      const expected = (events / SIGNS_OF_ONE) * HERE.length
      if (arrived !== expected || left !== expected)
        throw new BenchError(`${arrived} arrivals and ${left} departures instead of ${expected} each`, 1)
      ratios.push(heaps[1] / heaps[0])
      rates.push(perSecond)
      say(`presence ${turn}/${rounds}: ${Math.round(perSecond)} signs/s, ${round(heaps[1] / heaps[0])} times the heap`)
    }
    const figures = { signs: events, people: events / SIGNS_OF_ONE, signsPerSecond: Math.round(Math.max(...rates)) }
    return Promise.resolve(outcomeOf(this.goal, 'firstTenth', ratios, figures))
  },
}

interface Day {
  readonly heaps: readonly [firstTenth: number, whole: number]
  readonly perSecond: number
  arrived: number
  left: number
}

function aDay(events: number, random: Random): Day {
  const policy = new Presence(RULES)
  const count = { arrived: 0, left: 0 }
  const begun = performance.now()
  let first = 0
  let signs = 0
  for (let second = 0; second < DAY_S; second++) {
    const heard = [...insiders(second, events), ...passers(second, events, random)]
    signs += heard.length
    const changes = heard.flatMap((name) => policy.take(sign(name, second, -60 - between(random, 0, 9)), name))
    for (const { change } of [...changes, ...policy.tick(second * 1_000)]) count[change] += 1
    if (second === FIRST_LOOK_S) first = heapAfterCollection()
  }
  const ms = performance.now() - begun
  return { heaps: [first, heapAfterCollection()], perSecond: (signs / ms) * 1_000, ...count }
}

/** Who of the people is heard in this second. */
function insiders(second: number, events: number): string[] {
  if (!HERE.some(([from, to]) => second >= from && second < to)) return []
  const people = events / SIGNS_OF_ONE
  const paceS = Math.floor((people * HERE_S) / (events * (1 - STRANGERS)))
  const names: string[] = []
  for (let person = second % paceS; person < people; person += paceS) names.push(`P${person}`)
  return names
}

function passers(second: number, events: number, random: Random): string[] {
  const count = Math.floor((events * STRANGERS) / DAY_S + random())
  return Array.from({ length: count }, (_, one) => `S${second}.${one}`)
}

function sign(value: string, second: number, rssiDbm: number): Sample {
  const arrived: Moment = { wall: second * 1_000, uptime: second * 1_000, boot: 'b', state: 'synced', errorMs: 20 }
  return { credential: { type: 'beacon', value, scope: 'global' }, method: 'ble', arrived, kind: 'heard', rssiDbm }
}
