/** What the journal holds after each kill, against what was shown before it. */
import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { JournalReader } from '../../src/journal/query.js'
import { SITE } from '../fixture.js'

/** `taken`: it is stored, whatever the policy made of it. */
export interface Light {
  readonly verdict: string
  readonly card: string
}

/** The fields of a record that are looked at. */
export interface Body {
  readonly id: string
  readonly seq: number
  readonly schema?: string
  readonly verdict?: string
  readonly credential?: { readonly type: string; readonly value: string }
  readonly reader?: string | null
  readonly clock: { readonly boot: string; readonly uptime: number }
  /** Of everything that is evidence. */
  readonly proof: { readonly hash: string }
}

/** What a light names its card by. */
export type CardOf = (body: Body) => string

const byValue: CardOf = ({ credential }) => credential?.value ?? ''

export class Stored {
  readonly #file: string
  readonly #mayForget: boolean
  readonly #cardOf: CardOf
  /** Ids by number, as first seen. */
  readonly ids: string[] = []
  readonly #hashes: string[] = []
  readonly #accepted = new Map<string, number>()
  readonly #repeats = new Map<string, number>()
  readonly #repeatsShown = new Map<string, number>()
  punches = 0
  greens = 0
  /** Cards that were shown a green light and are not in the journal: what must never be. */
  readonly missing: string[] = []
  /** Cards that were accepted twice. */
  readonly twice: string[] = []
  /** Numbers that were skipped, used again, or no longer hold what they held. */
  renumbered = 0
  /** Numbers that were set aside, now or earlier: they travel when they may, not in order. */
  readonly everAside = new Set<number>()
  /** Those that still are. */
  aside: ReadonlySet<number> = new Set()

  /** `mayForget`: old records may go, from the oldest on, and lose what they say. */
  constructor(file: string, cardOf = byValue, mayForget = false) {
    this.#file = file
    this.#mayForget = mayForget
    this.#cardOf = cardOf
  }

  /** Opens the journal as the kill left it; throws when it is damaged. */
  check(lights: readonly Light[]): void {
    // The daemon may have been killed before it made one.
    if (existsSync(this.#file)) this.#read()
    for (const light of lights) this.#compare(light)
  }

  #read(): void {
    const reader = new JournalReader(this.#file, SITE.offsets)
    try {
      const known = this.ids.length
      // The newest known one again: it must still be there, under its number.
      for (const { seq, json } of reader.records({ afterSeq: Math.max(0, known - 1) }))
        this.#take(seq, JSON.parse(json) as Body)
      if (reader.lastSeq() < known) this.renumbered += known - reader.lastSeq()
      this.aside = new Set(reader.parked().map(({ seq }) => seq))
      for (const seq of this.aside) this.everAside.add(seq)
    } finally {
      reader.close()
    }
  }

  #take(seq: number, body: Body): void {
    const { id, verdict, credential, proof } = body
    const known = this.ids[seq - 1]
    if (known !== undefined || seq !== this.ids.length + 1) {
      if (!this.#isKnown(seq, body)) this.renumbered += 1
      return
    }
    this.ids.push(id)
    this.#hashes.push(proof.hash)
    if (credential === undefined || verdict === undefined) return
    this.punches += 1
    const count = verdict === 'accepted' ? this.#accepted : this.#repeats
    const card = this.#cardOf(body)
    const times = (count.get(card) ?? 0) + 1
    count.set(card, times)
    if (verdict === 'accepted' && times === 2) this.twice.push(card)
  }

  /** Under its number, and not a field of it changed. */
  /** Of what was erased the place in the chain is left. */
  #isKnown(seq: number, { id, proof, schema }: Body): boolean {
    return (schema === 'erased/1' || this.ids[seq - 1] === id) && this.#hashes[seq - 1] === proof.hash
  }

  #compare({ verdict, card }: Light): void {
    if (verdict === 'refused') return
    this.greens += 1
    if (!this.#holds(verdict, card)) this.missing.push(card)
  }

  #holds(verdict: string, card: string): boolean {
    const accepted = this.#accepted.has(card)
    if (verdict === 'accepted') return accepted
    if (verdict === 'taken') return accepted || this.#repeats.has(card)
    const shown = (this.#repeatsShown.get(card) ?? 0) + 1
    this.#repeatsShown.set(card, shown)
    return shown <= (this.#repeats.get(card) ?? 0)
  }

  /** What is set aside now: how many of which code. */
  parked(): string {
    const reader = new JournalReader(this.#file, SITE.offsets)
    const counts = new Map<string, number>()
    for (const { code } of reader.parked()) counts.set(code, (counts.get(code) ?? 0) + 1)
    reader.close()
    return [...counts].map(([code, count]) => `${count} ${code}`).join(', ')
  }

  /** SQLite's own look at every page, and every record once more; returns what is wrong. */
  verdict(): string {
    const db = new Database(this.#file, { readonly: true })
    const verdict = String(db.pragma('integrity_check', { simple: true }))
    db.close()
    const reader = new JournalReader(this.#file, SITE.offsets)
    let last = this.#mayForget ? undefined : 0
    for (const { seq, json } of reader.records({ erased: this.#mayForget })) {
      const body = JSON.parse(json) as Body
      if (seq !== (last ?? seq - 1) + 1 || !this.#isKnown(seq, body)) this.renumbered += 1
      last = seq
    }
    reader.close()
    if (last !== this.ids.length) this.renumbered += 1
    return verdict
  }
}
