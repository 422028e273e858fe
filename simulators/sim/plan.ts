/** Steps as single actions in the order of their times. The same seed gives the same plan. */
import { between, seeded, type Random } from '../random.js'
import type { Person, Step } from '../scenario/scenario.js'
import { TWINS, type TwinName } from '../scenario/twins.js'

export type Action = { readonly atMs: number } & (
  | { readonly do: 'present'; readonly person: string; readonly reader: string; readonly holdMs?: number | undefined }
  | { readonly do: 'broker'; readonly up: boolean }
  | { readonly do: 'daemon'; readonly what: 'kill' | 'stop' | 'start' | 'restart' }
  | { readonly do: 'cable'; readonly reader: string; readonly plugged: boolean }
  | { readonly do: 'pcscd'; readonly what: 'down' | 'up' | 'restart' }
)

export interface Cast {
  readonly people: readonly Person[]
  readonly twins: ReadonlyMap<string, TwinName>
}

export function plan(steps: readonly Step[], cast: Cast, seed: number): Action[] {
  const random = seeded(seed)
  return steps.flatMap((step) => actionsOf(step, cast, random)).sort((a, b) => a.atMs - b.atMs)
}

/** When the last action of a plan begins. */
export function lengthOf(actions: readonly Action[]): number {
  return actions.at(-1)?.atMs ?? 0
}

function actionsOf(step: Step, cast: Cast, random: Random): Action[] {
  const { atMs, readers } = step
  const [reader = ''] = readers
  switch (step.do) {
    case 'tap':
    case 'hold':
      return presentations(step, cast, random)
    case 'unplug':
      return during(step, (atMs, over) => ({ atMs, do: 'cable', reader, plugged: over }))
    case 'plug':
      return [{ atMs, do: 'cable', reader, plugged: true }]
    case 'broker-down':
      return during(step, (atMs, over) => ({ atMs, do: 'broker', up: over }))
    case 'broker-up':
      return [{ atMs, do: 'broker', up: true }]
    case 'pcscd-down':
      return during(step, (atMs, over) => ({ atMs, do: 'pcscd', what: over ? 'up' : 'down' }))
    case 'pcscd-up':
      return [{ atMs, do: 'pcscd', what: 'up' }]
    case 'pcscd-restart':
      return [{ atMs, do: 'pcscd', what: 'restart' }]
    default:
      return daemonActions(step)
  }
}

function daemonActions(step: Step): Action[] {
  const { atMs, forMs } = step
  if (step.do === 'start-daemon') return [{ atMs, do: 'daemon', what: 'start' }]
  if (step.do === 'kill-daemon' && forMs === undefined) return [{ atMs, do: 'daemon', what: 'restart' }]
  return during(step, (atMs, over) => ({
    atMs,
    do: 'daemon',
    what: over ? 'start' : step.do === 'kill-daemon' ? 'kill' : 'stop',
  }))
}

/** Its beginning and, when that is known, its end. */
function during({ atMs, forMs }: Step, action: (atMs: number, over: boolean) => Action): Action[] {
  return forMs === undefined ? [action(atMs, false)] : [action(atMs, false), action(atMs + forMs, true)]
}

function presentations(step: Step, cast: Cast, random: Random): Action[] {
  const { atMs, untilMs, readers, times, everyMs, forMs } = step
  const visits = visitors(step, cast, random).flatMap((person) => {
    const open = readers.filter((reader) => hasCardFor(person, reader, cast))
    const reader = open[between(random, 0, open.length - 1)]
    return reader === undefined ? [] : [{ person: person.name, reader }]
  })
  const taps = Array.from({ length: times }, (_, round) => visits.map((visit) => ({ ...visit, round }))).flat()
  // A crowd comes as it likes within the range; one person taps evenly.
  const spread = untilMs === undefined ? undefined : untilMs - atMs
  return taps.map(({ person, reader, round }, index): Action => {
    const even = visits.length === 1 && times > 1
    const offset = spread === undefined ? round * everyMs : spread * (even ? index / (taps.length - 1) : random())
    return {
      atMs: Math.round(atMs + offset),
      do: 'present',
      person,
      reader,
      holdMs: step.do === 'hold' ? forMs : undefined,
    }
  })
}

/** Who comes: those with a card that one of the readers takes, everybody once before anybody twice. */
function visitors({ who, readers }: Step, cast: Cast, random: Random): Person[] {
  const able = cast.people.filter((person) => readers.some((reader) => hasCardFor(person, reader, cast)))
  if (who === undefined || who.kind === 'everyone' || able.length === 0) return able
  if (who.kind === 'person') return able.filter(({ name }) => name === who.name)
  const order = shuffled(able, random)
  return Array.from({ length: who.count }, (_, index) => order[index % order.length]).filter(
    (person) => person !== undefined,
  )
}

function hasCardFor({ cards }: Person, reader: string, { twins }: Cast): boolean {
  const twin = twins.get(reader)
  return twin !== undefined && cards[TWINS[twin].cards] !== undefined
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items]
  for (let last = order.length - 1; last > 0; last--) {
    const other = between(random, 0, last)
    const [a, b] = [order[last], order[other]]
    if (a !== undefined && b !== undefined) [order[last], order[other]] = [b, a]
  }
  return order
}
