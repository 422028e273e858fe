/** What rules remember, in the journal's database: written in the commit of the record that it follows from. */
import { stateKey, waits, type PolicyState, type PolicyStates } from '../policy-states.js'
import { translating, type SqliteDatabase } from './database.js'
import { PeopleTable } from './people.js'
import type { Vault } from './vault.js'

export type PolicyTables = ReturnType<typeof policyTables>

export function policyTables(file: string, db: SqliteDatabase, vault: Vault) {
  return { people: new PeopleTable(file, db, vault), states: new PolicyTable(file, db, vault) }
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
    const sealed = translating(this.#file, () => this.#statements.get.get(this.#key(place, who)))
    return sealed && this.#open(sealed)
  }

  put(state: PolicyState): void {
    const sealed = this.#vault.seal(JSON.stringify(state), CONTEXT)
    this.#statements.put.run(this.#key(state.place, state.who), state.ref, waits(state) ? 1 : 0, sealed)
  }

  waiting(): readonly PolicyState[] {
    return translating(this.#file, () => this.#statements.waiting.all()).map((sealed) => this.#open(sealed))
  }

  #open(sealed: Buffer): PolicyState {
    // Parse boundary: we sealed it, and nobody else can.
    return JSON.parse(this.#vault.open(sealed, CONTEXT)) as PolicyState
  }

  #key(place: string, who: string): Buffer {
    return this.#vault.lookup(`policy ${stateKey(place, who)}`)
  }
}

const CONTEXT = 'policy state'

function prepare(db: SqliteDatabase) {
  return {
    get: db.prepare<[Buffer], Buffer>('SELECT sealed FROM policy_state WHERE key = ?').pluck(),
    put: db.prepare<[Buffer, string | null, number, Buffer]>('INSERT OR REPLACE INTO policy_state(key, ref, waits, sealed) VALUES (?, ?, ?, ?)'), // prettier-ignore
    waiting: db.prepare<[], Buffer>('SELECT sealed FROM policy_state WHERE waits = 1').pluck(),
  }
}
