/** The open repeat windows: found by credential and by person, closed in order, rebuilt from the journal after a start. */
import type { Credential, DirectionSetting, Method, Moment } from './model.js'
import { isOfOther, isOver, isRepeat, personKey, repeatKey, type FirstPunch, type PunchTime } from './policy/repeat.js'

/** By key, oldest first. What terminals kept for a while has its own: a backlog tells of another day. */
export interface Windows {
  readonly now: Map<string, FirstPunch>
  readonly late: Map<string, FirstPunch>
}

/** What a punch is looked up by, and found by later. */
export interface Passing {
  readonly place: string
  readonly direction: DirectionSetting
  readonly credential: Credential
  readonly person: string | null
  /** Where two factors are asked for: which of them this is. */
  readonly factor: Method | undefined
}

/** Windows in a backlog do not close by our clock; beyond this the oldest do. */
const MOST_LATE = 20_000
/** While the disk stalls one reader may wait longer for its turn than another: a window is kept for whoever was there in time. */
export const HEARD_LATE_MS = 60_000

export class RepeatWindows {
  readonly #windowMs: number
  readonly #windows: Windows = { now: new Map(), late: new Map() }

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** The punch whose window this one falls into: one of now, or one that a terminal kept. `opened`: by the same batch. */
  opener(passing: Passing, time: PunchTime, opened: Windows): FirstPunch | undefined {
    const all = [opened.now, opened.late, this.#windows.now, this.#windows.late]
    return keysOf(passing)
      .flatMap((key) => all.map((windows) => windows.get(key)))
      .find((first) => first && !isOfOther(first, passing.person) && isRepeat(first, time, this.#windowMs))
  }

  /** Keeps what a batch opened. */
  keep(opened: Windows): void {
    for (const [key, first] of [...opened.now, ...opened.late]) {
      const windows = windowsFor(first, this.#windows)
      windows.delete(key)
      windows.set(key, first)
    }
    const { late } = this.#windows
    for (const key of late.keys()) {
      if (late.size <= MOST_LATE) return
      late.delete(key)
    }
  }

  close(now: Moment): void {
    for (const [key, first] of this.#windows.now) {
      if (!isOver(first.moment, now, this.#windowMs + HEARD_LATE_MS)) return
      this.#windows.now.delete(key)
    }
  }
}

/** Opens the windows of an accepted punch: those of its direction, and those of readers that take directions in turn. */
export function openWindows(passing: Passing, first: FirstPunch, opened: Windows): void {
  for (const direction of [first.direction, 'auto'] as const)
    for (const key of keysOf({ ...passing, direction })) windowsFor(first, opened).set(key, first)
}

export function noWindows(): Windows {
  return { now: new Map(), late: new Map() }
}

function keysOf({ place, direction, credential, person, factor }: Passing): string[] {
  const key = repeatKey(place, direction, credential, factor)
  return person === null ? [key] : [personKey(place, direction, person, factor), key]
}

function windowsFor({ lateWall }: PunchTime, { now, late }: Windows): Map<string, FirstPunch> {
  return lateWall === undefined ? now : late
}
