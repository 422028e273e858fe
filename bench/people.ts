/** people: what a durable punch costs more when ten thousand people with thirty thousand credentials are on the list. */
import { join } from 'node:path'
import { Attendance } from '../src/attendance.js'
import { SystemClock } from '../src/clock.js'
import { Journal } from '../src/journal/journal.js'
import type { Person } from '../src/people.js'
import { cardReport, cardValue, IDENTITY } from './fixture.js'
import { median, outcomeOf, quantile, round, type Bench } from './outcome.js'
import { refuseMemory } from './workspace.js'

const PEOPLE = 10_000
const CREDENTIALS_OF_ONE = 3
const ROUNDS = 15
const PUNCHES = 400
/** Shorter than a round: each punch of one is a new presence. */
const REPEAT_WINDOW_MS = 0

/** Microseconds of so many punches, one per commit. */
type Punching = (many: number) => number[]

export const people: Bench = {
  name: 'people',
  title: 'durable punch with 10,000 people on the list ÷ with one',
  goal: { bound: 'at most', limit: 1.1 },

  run({ folder, quick, say }) {
    refuseMemory(folder)
    const [rounds, punches, many] = quick ? [3, 20, 100] : [ROUNDS, PUNCHES, PEOPLE]
    const few = gate(join(folder, 'few.db'), 1)
    const full = gate(join(folder, 'full.db'), many)
    const took: Record<'few' | 'full', number[]> = { few: [], full: [] }
    const ratios: number[] = []
    for (let turn = 0; turn <= rounds; turn++) {
      const first = turn % 2 === 0 ? full.punch(punches) : undefined
      const alone = few.punch(punches)
      const among = first ?? full.punch(punches)
      // The first round fills caches and write-ahead logs.
      if (turn === 0) continue
      took.few.push(...alone)
      took.full.push(...among)
      ratios.push(median(among) / median(alone))
      say(`people ${turn}/${rounds}: ${round(median(among))} µs against ${round(median(alone))} µs`)
    }
    few.journal.close()
    full.journal.close()
    const figures = {
      people: many,
      credentials: many * CREDENTIALS_OF_ONE,
      p99Us: round(quantile(took.full, 0.99)),
      p99OfOneUs: round(quantile(took.few, 0.99)),
    }
    return Promise.resolve(outcomeOf(this.goal, 'onePerson', ratios, figures))
  },
}

/** A gate at which everybody on the list comes by in turn. */
function gate(file: string, count: number): { journal: Journal; punch: Punching } {
  const clock = new SystemClock()
  const journal = new Journal(file, IDENTITY)
  journal.tables.people.import(
    Array.from({ length: count }, (_, index) => personWith(index)),
    true,
  )
  const attendance = new Attendance(journal, REPEAT_WINDOW_MS, clock.now(), journal.tables)
  let next = 0
  const one = (): number => {
    // A stride that visits them all in no order.
    const report = cardReport(((next++ * 7_919) % count) * CREDENTIALS_OF_ONE, clock)
    const begun = performance.now()
    attendance.record([report])
    return (performance.now() - begun) * 1_000
  }
  return { journal, punch: (many) => Array.from({ length: many }, one) }
}

function personWith(index: number): Person {
  const credentials = Array.from({ length: CREDENTIALS_OF_ONE }, (_, which) => ({
    type: 'card' as const,
    value: cardValue(index * CREDENTIALS_OF_ONE + which),
    scope: 'global',
  }))
  const name = `Person ${index}`
  return { ref: String(index), name, department: 'Gate', language: 'en', validFrom: '', validTo: '', state: 'active', credentials } // prettier-ignore
}
