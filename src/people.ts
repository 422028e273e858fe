/** Who may be known by a credential, and on which days. Pure. */
import type { Credential } from './model.js'

export interface Person {
  /** Number of the personnel office; the only field that stands in records. */
  readonly ref: string
  readonly name: string
  readonly department: string
  readonly language: string
  /** Local days of the site, `2026-11-23`, both included; empty: no limit. */
  readonly validFrom: string
  readonly validTo: string
  readonly state: 'active' | 'blocked'
  readonly credentials: readonly Credential[]
}

export type RefusalReason = 'expired' | 'not-yet-valid' | 'blocked'

/** What the people list makes of a credential. */
export type Found =
  /** There is no list: everybody is welcome, nobody is known. */
  | { readonly kind: 'no-list' }
  | { readonly kind: 'stranger' }
  | { readonly kind: 'refused'; readonly ref: string; readonly reason: RefusalReason }
  | { readonly kind: 'known'; readonly ref: string }

/** A local day, and whether the clock that tells it was set. */
export interface Today {
  readonly day: string
  readonly synced: boolean
}

/**
 * Why somebody of the list is not let pass as themselves. A clock that was not set is behind, not ahead: it can tell that
 * somebody's time is over, but not that it has not begun, or a power cut would lock everybody out.
 */
export function refusalOf(person: Pick<Person, 'validFrom' | 'validTo' | 'state'>, { day, synced }: Today) {
  if (person.state === 'blocked') return 'blocked'
  if (person.validTo !== '' && day > person.validTo) return 'expired'
  if (synced && person.validFrom !== '' && day < person.validFrom) return 'not-yet-valid'
  return undefined
}

/** Why a punch is parked that waits for somebody to say whose it is. */
export const HELD = 'unknown-held'

export interface People {
  /** What the list makes of a credential on this day. */
  find(credential: Credential, today: Today): Found
}

/** An empty list. */
export const NO_PEOPLE: People = { find: () => ({ kind: 'no-list' }) }
