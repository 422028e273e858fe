/**
 * The policy once more, as plainly as it can be said: of every stored record it looks at all before it. Shares no code with `src/policy`.
 */
import type { Moment } from '../../src/model.js'
import { ownerOf, type Visitor } from './people.js'

/** The fields of a record that rules speak of. */
export interface Told {
  readonly schema: string
  readonly id: string
  readonly seq: number
  readonly place: string
  readonly direction: string
  readonly method: string
  readonly credential: { readonly type: 'card' | 'pin'; readonly value: string; readonly scope: string }
  readonly person: { readonly ref: string } | null
  readonly clock: Moment
  readonly verdict: string
  readonly repeatOf: string | null
  readonly verification?: { readonly state: string; readonly of?: string; readonly afterMs?: number }
  /** Of corrections. */
  readonly of?: string
}

export interface Rules {
  readonly repeatWindowMs: number
  readonly withinMs: number
  readonly hasPeople: boolean
}

/** For records on their way when a window ends: as punchd promises. */
const GRACE_MS = 5_000
/** The daemon looks each second. */
const TICK_MS = 5_000

interface Open {
  readonly punch: Told
  /** That the second factor did not come is on record. */
  told: boolean
}

/** How far apart; NaN where nobody can know, which is neither less nor more than anything. */
function apart(from: Moment, to: Moment): number {
  if (from.boot === to.boot) return Math.abs(to.uptime - from.uptime)
  return from.state === 'synced' && to.state === 'synced' ? Math.abs(to.wall - from.wall) : NaN
}

export class Reference {
  readonly #rules: Rules
  readonly #accepted: Told[] = []
  /** First factors that wait for their second, by person. */
  readonly #open = new Map<string, Open>()
  readonly wrong: string[] = []

  constructor(rules: Rules) {
    this.#rules = rules
  }

  take(record: Told): void {
    if (record.schema === 'punch/1') this.#punch(record)
    else if (record.schema === 'correction/1' && record.verification) this.#missing(record)
  }

  /** What must have been said by `now`. */
  end(now: Moment): void {
    for (const { punch, told } of this.#open.values())
      if (!told && apart(punch.clock, now) > this.#rules.withinMs + GRACE_MS + TICK_MS)
        this.#blame(punch, 'its second factor did not come, and nobody says so')
  }

  #blame({ seq }: Told, what: string): void {
    this.wrong.push(`record ${seq}: ${what}`)
  }

  #expect(punch: Told, what: string, found: unknown, wanted: unknown): void {
    if (found !== wanted) this.#blame(punch, `${what} is ${String(found)}, should be ${String(wanted)}`)
  }

  #punch(punch: Told): void {
    const owner = this.#rules.hasPeople ? ownerOf(punch.credential) : undefined
    const known = owner?.blocked === false ? (owner.ref ?? null) : null
    this.#expect(punch, 'person', punch.person?.ref ?? null, known)
    if (this.#isTurnedAway(owner)) return this.#expect(punch, 'verdict', punch.verdict, 'unknown')
    const openers = this.#accepted.filter((first) => this.#opens(first, punch))
    const [first] = openers
    const why = first ? `verdict, ${apart(first.clock, punch.clock)} ms from record ${first.seq},` : 'verdict'
    this.#expect(punch, why, punch.verdict, first ? 'repeat' : 'accepted')
    if (punch.verdict === 'repeat' && first)
      this.#expect(punch, 'repeatOf', openers.some(({ id }) => id === punch.repeatOf), true) // prettier-ignore
    if (punch.verdict !== 'accepted') return
    this.#accepted.push(punch)
    if (isFactor(punch)) this.#factor(punch, punch.person?.ref ?? '')
    else this.#expect(punch, 'verification', punch.verification, undefined)
  }

  #isTurnedAway(owner: Visitor | undefined): boolean {
    return this.#rules.hasPeople && owner?.blocked !== false
  }

  #opens(first: Told, punch: Told): boolean {
    const isSameDoor = first.place === punch.place && first.direction === punch.direction
    const isSameFactor = isFactor(first) === isFactor(punch) && (!isFactor(punch) || first.method === punch.method)
    const isSame = first.credential.type === punch.credential.type && first.credential.value === punch.credential.value
    const isSamePerson = first.person !== null && first.person.ref === punch.person?.ref
    return isSameDoor && isSameFactor && (isSame || isSamePerson) && apart(first.clock, punch.clock) < this.#rules.repeatWindowMs // prettier-ignore
  }

  #factor(punch: Told, person: string): void {
    const { withinMs } = this.#rules
    const open = this.#open.get(person)
    const afterMs = open ? apart(open.punch.clock, punch.clock) : NaN
    const inTime = open?.told === false && afterMs < withinMs
    const isOther = open !== undefined && open.punch.method !== punch.method
    const isSecond = isOther && afterMs < 2 * withinMs
    this.#expect(punch, 'verification', punch.verification?.state, isSecond ? (inTime ? 'confirmed' : 'late') : undefined) // prettier-ignore
    if (isSecond) this.#expect(punch, 'first factor', punch.verification?.of, open.punch.id)
    if (open && !inTime && !open.told) this.#blame(open.punch, 'its second factor was late, and nobody said so')
    if (isSecond) this.#open.delete(person)
    else if (!inTime) this.#open.set(person, { punch, told: false })
  }

  /** "The second factor did not come" is said of one that waits, once, and not too early. */
  #missing(correction: Told): void {
    const open = [...this.#open.values()].find(({ punch }) => punch.id === correction.of)
    if (!open) return this.#blame(correction, 'speaks of a second factor that nobody waits for')
    if (open.told) this.#blame(correction, 'says again that a second factor did not come')
    const afterMs = apart(open.punch.clock, correction.clock)
    if (afterMs < this.#rules.withinMs) this.#blame(correction, `gives a second factor up after ${afterMs} ms`)
    open.told = true
  }
}

function isFactor({ place, person }: Told): boolean {
  return place === 'vault' && person !== null
}
