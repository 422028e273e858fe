/** Who comes by: people with cards for either kind of reader and a PIN, somebody who is blocked, and strangers. */
import { PeopleTable } from '../../src/journal/people.js'
import type { Credential } from '../../src/model.js'
import type { Person } from '../../src/people.js'

export interface Visitor {
  /** Number of the personnel office; undefined: a stranger. */
  readonly ref: string | undefined
  readonly blocked: boolean
  /** Ten hex digits, for the gate. */
  readonly tag: string
  /** Facility and number, for the vault. */
  readonly card: readonly [facility: number, number: number]
  readonly pin: string
}

const KNOWN = 7
const STRANGERS = 1

const ALL: readonly Visitor[] = Array.from({ length: KNOWN + STRANGERS }, (_, index) => ({
  ref: index < KNOWN ? String(1_000 + index) : undefined,
  blocked: index === 1,
  tag: `0A00${(0x123400 + index).toString(16).toUpperCase()}`,
  card: [12, 4_000 + index] as const,
  pin: String(7_310 + index),
}))

/** On the list, and never there before all is well again. */
export const NEWCOMER = ALL[0]!
/** Those who come and go. */
export const VISITORS = ALL.slice(1)

/** As the driver writes it: the data bits without parity, in hex. */
export function cardValue([facility, number]: Visitor['card']): string {
  return ((facility << 16) | number).toString(16).toUpperCase().padStart(6, '0')
}

function credentialsOf({ tag, card, pin }: Visitor): Credential[] {
  const scope = 'global'
  return [
    { type: 'card', value: tag, scope },
    { type: 'card', value: cardValue(card), scope },
    { type: 'pin', value: pin, scope },
  ]
}

/** As `punchd people import` does: over a connection of its own, beside the daemon. */
export function importPeople(file: string): void {
  const people = ALL.flatMap((visitor): Person[] => {
    const { ref, blocked } = visitor
    if (ref === undefined) return []
    const facts = { name: `Person ${ref}`, department: '', language: '', validFrom: '', validTo: '' }
    return [{ ref, ...facts, state: blocked ? 'blocked' : 'active', credentials: credentialsOf(visitor) }]
  })
  const table = PeopleTable.open(file, 'write')
  try {
    table.import(people, true)
  } finally {
    table.close()
  }
}

/** What the list says of a credential. */
export function ownerOf({ type, value }: Pick<Credential, 'type' | 'value'>): Visitor | undefined {
  return ALL.find((visitor) => visitor.ref !== undefined && credentialsOf(visitor).some((own) => own.type === type && own.value === value)) // prettier-ignore
}
