/** Names and cards for those who come: as listed, or made up from the seed. */
import { between, seeded, type Random } from '../random.js'
import type { Person } from './scenario.js'
import type { CardKind } from './twins.js'

const NAMES = `anna ben carla david eva felix greta hugo ines jonas karla leo mia nils olga paul quentin rosa samir tina
  uwe vera wanda xaver yara zoe alba bruno clara dario elif finn gina henrik ida jan kim lena marek nora otto pia
  rafael selma timo ulla viktor wilma yusuf zita`.split(/\s+/)

/** A person as the file lists them; no cards means one of each kind. */
export interface Listed {
  readonly name: string
  readonly cards: readonly { readonly kind: CardKind; readonly number: string }[]
}

/** Gives cards to those who listed none, and adds `generate` people with names nobody has yet. */
export function makePeople(listed: readonly Listed[], generate: number, seed: number): Person[] {
  const random = seeded(seed)
  const taken = new Set(listed.flatMap(({ cards }) => cards.map(({ number }) => number)))
  const people = listed.map(({ name, cards }): Person => {
    const own = Object.fromEntries(cards.map(({ kind, number }) => [kind, number]))
    return { name, cards: cards.length > 0 ? own : inventCards(random, taken) }
  })
  const names = new Set(listed.map(({ name }) => name))
  for (let index = 0; people.length < listed.length + generate; index++) {
    const name = nameAt(index)
    if (names.has(name)) continue
    people.push({ name, cards: inventCards(random, taken) })
  }
  return people
}

function nameAt(index: number): string {
  const name = NAMES[index % NAMES.length] ?? 'anna'
  const round = Math.floor(index / NAMES.length)
  return round === 0 ? name : `${name}-${round + 1}`
}

function inventCards(random: Random, taken: Set<string>): Person['cards'] {
  // Version byte of the usual EM4100 fobs; manufacturer byte of NXP.
  return { em4100: invent('0A', 10, random, taken), nfc: invent('04', 14, random, taken) }
}

function invent(start: string, length: number, random: Random, taken: Set<string>): string {
  for (;;) {
    let number = start
    while (number.length < length) number += between(random, 0, 15).toString(16).toUpperCase()
    if (taken.has(number)) continue
    taken.add(number)
    return number
  }
}
