/** The policy against its reference: the same histories, with restarts, reboots and clock steps. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Attendance, type PunchJournal, type Report } from '../src/attendance.js'
import type { AttendanceRules } from '../src/attendance-records.js'
import { Journal } from '../src/journal/journal.js'
import type { Method, Moment } from '../src/model.js'
import type { People, Person } from '../src/people.js'
import { StatesInMemory } from '../src/policy-states.js'
import { DAY_START, MAX_STAY, reference, REPEAT, WITHIN, type Happening, type Outcome, type Tap, type Told } from './support/policy-model.js' // prettier-ignore
import { IDENTITY, WALL } from './support/records.js'
import { tempFolder } from './support/temp.js'

const MINUTE = 60_000
const DAY = 1_440 * MINUTE
const READERS = [
  { place: 'vault', setting: 'in' },
  { place: 'vault', setting: 'auto' },
  { place: 'gate', setting: 'auto' },
  { place: 'gate', setting: 'auto' },
  { place: 'lobby', setting: 'in' },
  { place: 'lobby', setting: 'out' },
  { place: 'lobby', setting: 'auto' },
] as const

/** What a history is made of: how long after the one before, and what. */
const pause = fc.oneof(
  fc.integer({ min: 0, max: 2 * MINUTE }),
  fc.constantFrom(0, 1, REPEAT - 1, REPEAT, WITHIN - 1, WITHIN, WITHIN + 5_000, 2 * WITHIN - 1, 2 * WITHIN, MAX_STAY - 1, MAX_STAY), // prettier-ignore
  fc.integer({ min: 0, max: 20 * MINUTE }),
  fc.integer({ min: 0, max: 18 * 60 * MINUTE }),
)
const tap = fc.record({
  kind: fc.constant('punch' as const),
  reader: fc.integer({ min: 0, max: READERS.length - 1 }),
  // Mostly one person: others must not meddle, but what happens happens to one.
  who: fc.constantFrom<Tap['who'][]>('ada', 'ada', 'ada', 'ada', 'bob', 'stranger', 'expired'),
  method: fc.constantFrom<Tap['method'][]>('card', 'card', 'fingerprint', 'fingerprint', 'pin'),
})
const other = fc.oneof(
  fc.record({ kind: fc.constantFrom('tick' as const, 'restart' as const, 'sync' as const) }),
  fc.record({ kind: fc.constant('step' as const), ms: fc.integer({ min: -DAY, max: DAY }) }),
  fc.record({ kind: fc.constant('reboot' as const), offMs: fc.integer({ min: 1_000, max: 40 * MINUTE }), synced: fc.boolean() }), // prettier-ignore
)
const step = fc.oneof({ weight: 3, arbitrary: tap }, { weight: 1, arbitrary: other })
const history = fc.array(fc.tuple(pause, step), { minLength: 2, maxLength: 24 })
type Steps = readonly (readonly [number, typeof step extends fc.Arbitrary<infer S> ? S : never])[]

/** Lets the clocks run: what happens gets the moments that they tell. */
function happeningsOf(steps: Steps): Happening[] {
  let moment: Moment = { wall: WALL, uptime: 10_000, boot: 'boot-0', state: 'synced', errorMs: 20 }
  let trueWall = WALL
  let highest = WALL
  let wentBack = false
  let boots = 0
  return steps.flatMap(([pause, step]): Happening[] => {
    // A step back makes the wall clocks of two boots tell another order: such boots lie days apart, on either side.
    const ms = pause + (step.kind === 'step' && step.ms < 0 && boots > 0 ? 2 * DAY : 0)
    trueWall += ms
    moment = { ...moment, wall: moment.wall + ms, uptime: moment.uptime + ms }
    if (step.kind === 'step') {
      moment = { ...moment, wall: moment.wall + step.ms }
      wentBack ||= step.ms < 0
    } else if (step.kind === 'sync' && moment.state === 'unsynced') {
      moment = { ...moment, state: 'synced', errorMs: 20, wall: Math.max(trueWall, highest) }
    }
    if (moment.state === 'synced') highest = Math.max(highest, moment.wall)
    if (step.kind === 'reboot') {
      trueWall = Math.max(trueWall, highest) + step.offMs + (wentBack ? 2 * DAY : 0)
      wentBack = false
      boots += 1
      const clock = step.synced ? { wall: trueWall, state: 'synced', errorMs: 20 } as const : { wall: 0, state: 'unsynced', errorMs: null } as const // prettier-ignore
      moment = { ...clock, uptime: 5_000, boot: `boot-${boots}` }
      return [{ kind: 'restart', at: moment }]
    }
    if (step.kind === 'punch') {
      const { place, setting } = READERS[step.reader] ?? READERS[0]
      return [{ kind: 'punch', at: moment, place, setting, who: step.who, method: step.method }]
    }
    return step.kind === 'tick' || step.kind === 'restart' ? [{ kind: step.kind, at: moment }] : []
  })
}

function reportOf({ at, place, setting, who, method }: Tap): Report {
  const origin = { reader: `${place}-${setting}`, place, direction: setting, driver: 'rdm6300', sim: false }
  return { origin, sighting: { credential: { type: 'card', value: valueOf(who, method), scope: 'global' }, method, arrived: at } } // prettier-ignore
}

const valueOf = (who: string, method: Method): string => `${who} ${method}`

/** A journal, and how it is opened again after a restart. */
interface Desk {
  readonly open: () => { journal: PunchJournal; rules: Pick<AttendanceRules, 'people' | 'states'> }
  readonly bodies: () => readonly string[]
}

function play(happenings: readonly Happening[], desk: Desk): Told {
  const begin = (at: Moment): Attendance => {
    const { journal, rules } = desk.open()
    return new Attendance(journal, REPEAT, at, {
      ...rules,
      verify: [{ place: 'vault', factors: ['card', 'fingerprint'], withinMs: WITHIN }],
      autoDirection: { dayStartMs: DAY_START, maxStayMs: MAX_STAY },
      offset: () => 60,
    })
  }
  const [first] = happenings
  if (!first) return { outcomes: [], missing: [] }
  let attendance = begin(first.at)
  for (const happening of happenings) {
    if (happening.kind === 'punch') attendance.record([reportOf(happening)])
    else if (happening.kind === 'tick') attendance.tellMissing(happening.at)
    else attendance = begin(happening.at)
  }
  return toldBy(desk.bodies())
}

interface Stored extends Omit<Outcome, 'repeatOf' | 'verification'> {
  readonly schema: string
  readonly id: string
  readonly of: string
  readonly repeatOf: string | null
  readonly verification?: {
    readonly rule: string
    readonly state: string
    readonly of: string
    readonly afterMs: number
  }
}

/** What the records tell, ids as places among the punches. */
function toldBy(bodies: readonly string[]): Told {
  const records = bodies.map((body) => JSON.parse(body) as Stored)
  const punches = records.filter(({ schema }) => schema === 'punch/1')
  const nth = (id: string): number => punches.findIndex((punch) => punch.id === id)
  return {
    outcomes: punches.map(({ verdict, direction, repeatOf, verification: found }) => ({
      verdict,
      direction,
      repeatOf: repeatOf === null ? null : nth(repeatOf),
      verification: found ? { state: found.state, of: nth(found.of), afterMs: found.afterMs } : null,
    })),
    // Of those that are due at the same time the order is nobody's business.
    missing: inOrder(records.filter(({ schema }) => schema === 'correction/1').map(({ of }) => nth(of))),
  }
}

const inOrder = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b)

function expected(happenings: readonly Happening[]): Told {
  const { outcomes, missing } = reference(happenings)
  return { outcomes, missing: inOrder(missing) }
}

const LIST: People = {
  find: ({ value }) => {
    if (value.startsWith('stranger')) return { kind: 'stranger' }
    const ref = value.split(' ')[0] ?? ''
    return ref === 'expired' ? { kind: 'refused', ref, reason: 'expired' } : { kind: 'known', ref }
  },
}

/** A journal of texts: as the real one, without its disk. */
function deskInMemory(): Desk {
  const bodies: { kind: string; body: string }[] = []
  const once = new Set<string>()
  const journal: PunchJournal = {
    append: (drafts) =>
      drafts.map((draft) => {
        const id = draft.id ?? `id-${bodies.length}`
        const schema = `${draft.kind}/1`
        const body = JSON.stringify({ ...draft.fields, id, schema, clock: draft.moment })
        if (draft.once !== undefined) once.add(draft.once)
        const seq = bodies.push({ kind: draft.kind, body })
        draft.inCommit?.(seq)
        return id
      }),
    newestPunches: (visit) =>
      void bodies.toReversed().some(({ kind, body }) => kind === 'punch' && visit(body) === 'enough'),
    hasOnce: (text) => once.has(text),
    timeOf: String,
    park: () => undefined,
  }
  const rules = { people: LIST, states: new StatesInMemory() }
  return { open: () => ({ journal, rules }), bodies: () => bodies.map(({ body }) => body) }
}

describe('the policy', () => {
  const folder = tempFolder()

  it('agrees with its reference on ten thousand histories with restarts and clock steps (C02, C10, C11)', function () {
    this.timeout(120_000)
    const seen = new Map<string, number>()
    const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1)
    fc.assert(
      fc.property(history, (steps) => {
        const happenings = happeningsOf(steps)
        const told = play(happenings, deskInMemory())
        assert.deepEqual(told, expected(happenings))
        for (const { verdict, verification } of told.outcomes) count(verification?.state ?? verdict)
        for (const _ of told.missing) count('missing')
      }),
      { numRuns: 10_000 },
    )
    // Agreement about nothing would prove nothing.
    for (const what of ['accepted', 'repeat', 'unknown', 'confirmed', 'late', 'missing'])
      assert.ok((seen.get(what) ?? 0) > 60, `${what}: ${seen.get(what)}`)
  })

  it('does so on a real journal, with the real people list', function () {
    this.timeout(120_000)
    let runs = 0
    fc.assert(
      fc.property(history, (steps) => {
        const file = folder.file(`${(runs += 1)}/journal.db`)
        let journal = new Journal(file, IDENTITY)
        journal.tables.people.import(['ada', 'bob', 'expired'].map(personNamed), true)
        const desk: Desk = {
          open: () => {
            journal.close()
            journal = new Journal(file, IDENTITY)
            return { journal, rules: journal.tables }
          },
          bodies: () => journal.tail(0, 1_000).records.map(({ body }) => `${body.toString()}}`),
        }
        const happenings = happeningsOf(steps)
        const told = play(happenings, desk)
        journal.close()
        assert.deepEqual(told, expected(happenings))
      }),
      { numRuns: 60 },
    )
  })
})

function personNamed(ref: string): Person {
  const credentials = (['card', 'fingerprint', 'pin'] as const).map((method) => ({ type: 'card', value: valueOf(ref, method), scope: 'global' }) as const) // prettier-ignore
  const state = ref === 'expired' ? 'blocked' : 'active'
  return { ref, name: ref, department: '', language: '', validFrom: '', validTo: '', state, credentials }
}
