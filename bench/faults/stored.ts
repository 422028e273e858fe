/** What the journal holds after each kill, against what was shown before it. */
import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { JournalReader } from '../../src/journal/query.js'
import { SITE } from '../fixture.js'

export interface Light {
  readonly verdict: string
  readonly card: string
}

/** The fields of a record that are looked at. */
interface Body {
  readonly id: string
  readonly seq: number
  readonly schema?: string
  readonly verdict?: string
  readonly credential?: { readonly value: string }
}

export class Stored {
  readonly #file: string
  readonly #mayForget: boolean
  /** Ids by number, as first seen. */
  readonly ids: string[] = []
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
  constructor(file: string, mayForget = false) {
    this.#file = file
    this.#mayForget = mayForget
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

  #take(seq: number, { id, verdict, credential }: Body): void {
    const known = this.ids[seq - 1]
    if (known !== undefined || seq !== this.ids.length + 1) {
      if (known !== id) this.renumbered += 1
      return
    }
    this.ids.push(id)
    if (credential === undefined) return
    this.punches += 1
    const count = verdict === 'accepted' ? this.#accepted : this.#repeats
    const times = (count.get(credential.value) ?? 0) + 1
    count.set(credential.value, times)
    if (verdict === 'accepted' && times === 2) this.twice.push(credential.value)
  }

  #compare({ verdict, card }: Light): void {
    if (verdict === 'refused') return
    this.greens += 1
    if (verdict === 'accepted') {
      if (!this.#accepted.has(card)) this.missing.push(card)
      return
    }
    const shown = (this.#repeatsShown.get(card) ?? 0) + 1
    this.#repeatsShown.set(card, shown)
    if (shown > (this.#repeats.get(card) ?? 0)) this.missing.push(card)
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
      const { id, schema } = JSON.parse(json) as Body
      if (seq !== (last ?? seq - 1) + 1) this.renumbered += 1
      if (schema !== 'erased/1' && id !== this.ids[seq - 1]) this.renumbered += 1
      last = seq
    }
    reader.close()
    if (last !== this.ids.length) this.renumbered += 1
    return verdict
  }
}
