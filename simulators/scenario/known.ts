/** Whom and what the lines of a timeline can name. */
import { didYouMean } from '../../src/config/problems.js'
import type { Person, Who } from './scenario.js'
import { TWINS, type CardKind, type TwinName } from './twins.js'

export interface Trouble {
  readonly message: string
  readonly suggestion?: string | undefined
}

const KIND_NAME: Readonly<Record<CardKind, string>> = { em4100: 'an EM4100 card', nfc: 'an NFC card' }

export class Known {
  readonly #people: ReadonlyMap<string, Person>
  /** A reader whose twin is unknown has been complained about already: undefined. */
  readonly #readers: ReadonlyMap<string, TwinName | undefined>

  constructor(people: readonly Person[], readers: ReadonlyMap<string, TwinName | undefined>) {
    this.#people = new Map(people.map((person) => [person.name, person]))
    this.#readers = readers
  }

  get names(): string[] {
    return [...this.#people.keys()]
  }

  get hasPcsc(): boolean {
    return [...this.#readers.values()].some((twin) => twin === 'pcsc' || twin === undefined)
  }

  hasPerson(name: string): boolean {
    return this.#people.has(name)
  }

  /** Why these people cannot tap there. */
  whyNotAt(who: Who, reader: string): Trouble | undefined {
    const absent = this.#whyNoReader(reader)
    if (absent) return absent
    const twin = this.#readers.get(reader)
    if (twin === undefined) return undefined
    const kind = TWINS[twin].cards
    const people = [...this.#people.values()].filter((person) => who.kind !== 'person' || person.name === who.name)
    if (people.some(({ cards }) => cards[kind] !== undefined)) return undefined
    const subject = who.kind === 'person' ? who.name : 'nobody'
    const verb = who.kind === 'person' ? 'has no card' : 'has a card'
    return { message: `${subject} ${verb} that ${reader} reads`, suggestion: `it reads ${KIND_NAME[kind]}` }
  }

  /** Why the cable of that reader cannot be pulled. */
  whyNoCable(reader: string): Trouble | undefined {
    const absent = this.#whyNoReader(reader)
    if (absent) return absent
    const twin = this.#readers.get(reader)
    if (twin === undefined || TWINS[twin].cable) return undefined
    return {
      message: `${reader} is a ${twin} reader: it has no cable that can be pulled here`,
      suggestion: 'use "pcscd down"',
    }
  }

  #whyNoReader(reader: string): Trouble | undefined {
    if (this.#readers.has(reader)) return undefined
    const ids = [...this.#readers.keys()]
    const list = ids.length === 0 ? undefined : `readers: ${ids.join(', ')}`
    return { message: `there is no reader "${reader}"`, suggestion: didYouMean(reader, ids) ?? list }
  }
}
