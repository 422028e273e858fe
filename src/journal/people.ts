/**
 * The people list in the journal's database. Looked up where it lies, by HMAC: a new list counts from its commit on,
 * whoever wrote it, and there is nothing to load. Names are sealed; the reference is not, it stands in records.
 */
import type { Statement } from 'better-sqlite3'
import { dirname } from 'node:path'
import { EXIT, VerbError } from '../errors.js'
import type { Credential } from '../model.js'
import { HELD, refusalOf, type Found, type People, type Person, type Today } from '../people.js'
import { openDatabase, openForReading, requireJournal, translating, type SqliteDatabase } from './database.js'
import { openKeys } from './keys.js'
import { Vault, type VaultKeys } from './vault.js'

/** A row, sealed before the transaction: readers wait while it is open. */
interface Sealed {
  readonly ref: string
  readonly person: Buffer
  readonly credentials: readonly (readonly [lookup: Buffer, sealed: Buffer])[]
}

/** What an import changed. */
export interface Imported {
  readonly added: number
  readonly updated: number
  readonly removed: number
  /** On the list and not in the file. */
  readonly kept: number
  readonly credentials: number
}

type Facts = Omit<Person, 'ref' | 'credentials'>

export class PeopleTable implements People {
  readonly #file: string
  readonly #db: SqliteDatabase
  readonly #vault: Vault
  readonly #statements: ReturnType<typeof prepare>

  constructor(file: string, db: SqliteDatabase, vault: Vault) {
    this.#file = file
    this.#db = db
    this.#vault = vault
    this.#statements = translating(file, () => prepare(db))
  }

  /** For verbs, beside a running daemon or without one. */
  static open(file: string, how: 'read' | 'write'): PeopleTable {
    requireJournal(file)
    const vault = new Vault(how === 'write' ? steadyKeys(file) : openKeys(dirname(file), false).vault)
    return new PeopleTable(file, how === 'read' ? openForReading(file) : openDatabase(file, ''), vault)
  }

  find(credential: Credential, today: Today): Found {
    const { byLookup, any } = this.#statements
    const row = translating(this.#file, () => byLookup.get(this.#lookup(credential)))
    if (row) {
      const reason = refusalOf(this.#facts(row.ref, row.sealed), today)
      return reason === undefined ? { kind: 'known', ref: row.ref } : { kind: 'refused', ref: row.ref, reason }
    }
    return translating(this.#file, () => any.get()) === undefined ? { kind: 'no-list' } : { kind: 'stranger' }
  }

  /** Whose a credential is on the list, valid or not. */
  ownerOf(credential: Credential): string | undefined {
    return translating(this.#file, () => this.#statements.ownerOf.get(this.#lookup(credential)))
  }

  get(ref: string): Person | undefined {
    const sealed = translating(this.#file, () => this.#statements.get.get(ref))
    return sealed && { ref, ...this.#facts(ref, sealed), credentials: this.#credentialsOf(ref) }
  }

  /** In order of their references. */
  *all(): Generator<Person> {
    const rows = translating(this.#file, () => this.#statements.all.all())
    for (const { ref, sealed } of rows)
      yield { ref, ...this.#facts(ref, sealed), credentials: this.#credentialsOf(ref) }
  }

  /** Adds and updates in one commit; `replace` removes whoever is not among them. */
  import(people: readonly Person[], replace: boolean, onProgress: (done: number) => void = () => undefined): Imported {
    const sealed = people.map((person, index) => {
      if (index % 500 === 0) onProgress(index)
      return this.#seal(person)
    })
    // point: people.before-import
    const write = this.#db.transaction(() => {
      this.#requireSameKey()
      return this.#write(sealed, replace)
    })
    return translating(this.#file, () => write.immediate())
  }

  /** Takes somebody off the list, with what rules remember of them. Their records are not touched. */
  remove(ref: string): boolean {
    return translating(this.#file, () => this.#db.transaction(() => this.#remove(ref)).immediate())
  }

  /** Seals with the newest key what an older one sealed; to be called in a transaction, before the older one goes. */
  reseal(): void {
    const { all, everyCredential, put, reseal } = this.#statements
    const isOld = ({ sealed }: { readonly sealed: Buffer }): boolean => Vault.keyOf(sealed) !== this.#vault.keyId
    const again = (sealed: Buffer, context: string): Buffer => this.#vault.seal(this.#vault.open(sealed, context), context) // prettier-ignore
    for (const { ref, sealed } of all.all().filter(isOld)) put.run(ref, again(sealed, `person ${ref}`))
    for (const { lookup, ref, sealed } of everyCredential.all().filter(isOld))
      reseal.run(again(sealed, `credential of ${ref}`), lookup)
  }

  /** Held punches that may be sent: the next connection to the broker takes them. */
  release(seqs: readonly number[]): void {
    const all = this.#db.transaction(() => seqs.forEach((seq) => this.#statements.release.run(seq)))
    translating(this.#file, () => all.immediate())
  }

  close(): void {
    this.#db.close()
  }

  /** While a long list was sealed the key may have been changed: then nobody could open what is written now. */
  #requireSameKey(): void {
    if (steadyKeys(this.#file).sealing.at(-1)?.id !== this.#vault.keyId) throw keysChange()
  }

  #write(people: readonly Sealed[], replace: boolean): Imported {
    const { refs, put, dropCredentials, addCredential } = this.#statements
    const before = new Set(refs.all())
    const named = new Set(people.map(({ ref }) => ref))
    const absent = [...before].filter((ref) => !named.has(ref))
    if (replace) for (const ref of absent) this.#remove(ref)
    // All of them first: a card may pass from one person of the file to another.
    for (const { ref } of people) dropCredentials.run(ref)
    for (const { ref, person, credentials } of people) {
      put.run(ref, person)
      for (const [lookup, sealed] of credentials) addCredential.run(lookup, ref, sealed)
    }
    // point: people.before-commit
    const updated = people.filter(({ ref }) => before.has(ref)).length
    return {
      added: people.length - updated,
      updated,
      removed: replace ? absent.length : 0,
      kept: replace ? 0 : absent.length,
      credentials: people.reduce((sum, { credentials }) => sum + credentials.length, 0),
    }
  }

  #remove(ref: string): boolean {
    this.#statements.dropCredentials.run(ref)
    // point: people.before-drop
    this.#statements.dropStates.run(ref)
    return this.#statements.drop.run(ref).changes > 0
  }

  #seal({ ref, credentials, ...facts }: Person): Sealed {
    return {
      ref,
      person: this.#vault.seal(JSON.stringify(facts), `person ${ref}`),
      credentials: credentials.map((credential) => [
        this.#lookup(credential),
        this.#vault.seal(textOf(credential), `credential of ${ref}`),
      ]),
    }
  }

  #facts(ref: string, sealed: Buffer): Facts {
    // Parse boundary: we sealed it, and nobody else can.
    return JSON.parse(this.#vault.open(sealed, `person ${ref}`)) as Facts
  }

  #credentialsOf(ref: string): Credential[] {
    const rows = translating(this.#file, () => this.#statements.credentialsOf.all(ref))
    // Sorted: the order of their HMACs is another with each key.
    const texts = rows.map((sealed) => this.#vault.open(sealed, `credential of ${ref}`)).sort()
    return texts.map((text) => {
      const [type, scope, value] = JSON.parse(text) as [Credential['type'], string, string]
      return { type, value, scope }
    })
  }

  #lookup(credential: Credential): Buffer {
    return this.#vault.lookup(textOf(credential))
  }
}

/** The keys beside the journal, when they are not being changed. */
function steadyKeys(file: string): VaultKeys {
  const { vault } = openKeys(dirname(file), false)
  if (vault.sealing.length > 1) throw keysChange()
  return vault
}

function keysChange(): VerbError {
  const hint = 'punchd keys rotate ends it; then try again'
  return new VerbError(EXIT.again, 'journal-busy', 'a change of keys is under way', { hint })
}

/** One text for each credential, and no two with the same. */
function textOf({ type, scope, value }: Credential): string {
  return JSON.stringify([type, scope, value])
}

function prepare(db: SqliteDatabase) {
  const statement = <Bound extends unknown[], Result = unknown>(sql: string): Statement<Bound, Result> =>
    db.prepare<Bound, Result>(sql)
  return {
    byLookup: statement<[Buffer], { ref: string; sealed: Buffer }>(
      'SELECT ref, person.sealed AS sealed FROM credential JOIN person USING (ref) WHERE lookup = ?',
    ),
    ownerOf: statement<[Buffer], string>('SELECT ref FROM credential WHERE lookup = ?').pluck(),
    any: statement<[], number>('SELECT 1 FROM person LIMIT 1').pluck(),
    get: statement<[string], Buffer>('SELECT sealed FROM person WHERE ref = ?').pluck(),
    all: statement<[], { ref: string; sealed: Buffer }>('SELECT ref, sealed FROM person ORDER BY ref'),
    refs: statement<[], string>('SELECT ref FROM person').pluck(),
    credentialsOf: statement<[string], Buffer>('SELECT sealed FROM credential WHERE ref = ?').pluck(),
    put: statement<[string, Buffer]>('INSERT OR REPLACE INTO person(ref, sealed) VALUES (?, ?)'),
    drop: statement<[string]>('DELETE FROM person WHERE ref = ?'),
    dropCredentials: statement<[string]>('DELETE FROM credential WHERE ref = ?'),
    dropStates: statement<[string]>('DELETE FROM policy_state WHERE ref = ?'),
    release: statement<[number]>(`UPDATE parked SET code = 'publish-offline', reason = 'released' WHERE seq = ? AND code = '${HELD}'`), // prettier-ignore
    everyCredential: statement<[], { lookup: Buffer; ref: string; sealed: Buffer }>('SELECT * FROM credential'),
    reseal: statement<[Buffer, Buffer]>('UPDATE credential SET sealed = ? WHERE lookup = ?'),
    addCredential: statement<[Buffer, string, Buffer]>('INSERT INTO credential(lookup, ref, sealed) VALUES (?, ?, ?)'),
  }
}
