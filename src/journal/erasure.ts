/**
 * Destroys what records say about a person: salt and evidence go, the place in the chain stays, and everything else still
 * verifies. Only of records that were delivered and whose time to be kept is over.
 */
import { commitOf } from './proof.js'
import type { SqliteDatabase } from './database.js'
import type { Sealing } from './sealing.js'
import type { Statements } from './statements.js'

export interface Erasing {
  /** Number and credentials (`type:scope:value`) of the person. */
  readonly person: string
  readonly credentials: readonly string[]
  /** Older records than this are erased, milliseconds since 1970. */
  readonly before: number
  /** Looked at in this step: those behind `after`. */
  readonly after: number
}

export interface Erased {
  /** Where the next step begins; undefined when there is nothing more. */
  readonly through: number | undefined
  readonly erased: readonly number[]
  /** About the person, but too young or not delivered. */
  readonly kept: number
}

/** Rows in one commit. */
const STEP = 200

export class Erasure {
  readonly #db: SqliteDatabase
  readonly #statements: Statements
  readonly #sealing: Sealing

  constructor(db: SqliteDatabase, statements: Statements, sealing: Sealing) {
    this.#db = db
    this.#statements = statements
    this.#sealing = sealing
  }

  /** One step. `settled`: up to there records are delivered. */
  step({ person, credentials, before, after }: Erasing, settled: number): Erased {
    const rows = this.#statements.stored.all(after, STEP)
    const known = new Set(credentials)
    const ours = rows.flatMap((row) => {
      const opened = row.body && this.#sealing.open(row.seq, row.body)
      return opened && isAbout(opened.evidence, person, known) ? [{ row, opened }] : []
    })
    const old = ours.filter(({ row }) => row.seq <= settled && row.wall < before)
    // point: erasure.before-commit
    this.#db.transaction(() => {
      for (const { row, opened } of old)
        this.#statements.erase.run(commitOf(Buffer.from(opened.salt, 'base64'), opened.evidence), row.seq)
    })()
    // point: erasure.committed
    return { through: rows.at(-1)?.seq, erased: old.map(({ row }) => row.seq), kept: ours.length - old.length }
  }
}

interface Evidence {
  readonly person?: { readonly ref?: string } | null
  readonly credential?: { readonly type: string; readonly scope: string; readonly value: string }
  readonly detail?: { readonly person?: unknown; readonly user?: unknown }
}

function isAbout(text: string, person: string, credentials: ReadonlySet<string>): boolean {
  const { person: who, credential, detail } = JSON.parse(text) as Evidence // Parse boundary: our own record.
  if (who?.ref === person || detail?.person === person) return true
  return credential !== undefined && credentials.has(`${credential.type}:${credential.scope}:${credential.value}`)
}
