/** What rules remember, in the journal's database: written in the commit of the record that it follows from. */
import { stateKey, waits, type PolicyState, type PolicyStates } from '../policy-states.js'
import { translating, type SqliteDatabase } from './database.js'
import { PeopleTable } from './people.js'
import { Vault } from './vault.js'

export type PolicyTables = ReturnType<typeof policyTables>

export function policyTables(file: string, db: SqliteDatabase, vault: Vault) {
  const people = new PeopleTable(file, db, vault)
  const states = new PolicyTable(file, db, vault)
  /** For a change of keys: see `PeopleTable.reseal`. */
  const reseal = (): void => {
    people.reseal()
    states.reseal()
  }
  return { people, states, reseal }
}

export class PolicyTable implements PolicyStates {
  readonly #file: string
  readonly #vault: Vault
  readonly #statements: ReturnType<typeof prepare>

  constructor(file: string, db: SqliteDatabase, vault: Vault) {
    this.#file = file
    this.#vault = vault
    this.#statements = translating(file, () => prepare(db))
  }

  get(place: string, who: string): PolicyState | undefined {
    const key = this.#key(place, who)
    const sealed = translating(this.#file, () => this.#statements.get.get(key))
    return sealed && this.#open(key, sealed)
  }

  put(state: PolicyState): void {
    const key = this.#key(state.place, state.who)
    const sealed = this.#vault.seal(JSON.stringify(state), contextOf(key))
    // point: policy.before-state
    this.#statements.put.run(key, state.ref, waits(state) ? 1 : 0, sealed)
  }

  waiting(): readonly PolicyState[] {
    return translating(this.#file, () => this.#statements.waiting.all()).map(({ key, sealed }) =>
      this.#open(key, sealed),
    )
  }

  reseal(): void {
    for (const { key, sealed } of this.#statements.all.all())
      if (Vault.keyOf(sealed) !== this.#vault.keyId) this.put(this.#open(key, sealed))
  }

  #open(key: Buffer, sealed: Buffer): PolicyState {
    // Parse boundary: we sealed it, and nobody else can.
    return JSON.parse(this.#vault.open(sealed, contextOf(key))) as PolicyState
  }

  #key(place: string, who: string): Buffer {
    return this.#vault.lookup(`policy ${stateKey(place, who)}`)
  }
}

function contextOf(key: Buffer): string {
  return `policy state ${key.toString('hex')}`
}

function prepare(db: SqliteDatabase) {
  return {
    get: db.prepare<[Buffer], Buffer>('SELECT sealed FROM policy_state WHERE key = ?').pluck(),
    put: db.prepare<[Buffer, string | null, number, Buffer]>('INSERT OR REPLACE INTO policy_state(key, ref, waits, sealed) VALUES (?, ?, ?, ?)'), // prettier-ignore
    all: db.prepare<[], { key: Buffer; sealed: Buffer }>('SELECT key, sealed FROM policy_state'),
    waiting: db.prepare<[], { key: Buffer; sealed: Buffer }>('SELECT key, sealed FROM policy_state WHERE waits = 1'),
  }
}
