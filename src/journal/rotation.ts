/**
 * A new key for everything that is sealed. The file of keys has both while old text is about, so that a kill at any moment
 * leaves a journal that opens; the next start goes on.
 */
import type { SqliteDatabase } from './database.js'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { JournalError } from '../errors.js'
import { keyFile, writeKey } from './keys.js'
import { contextOf as memoryContext } from './memories.js'
import { contextOf } from './sealing.js'
import type { Statements } from './statements.js'
import { keysText, Vault } from './vault.js'

/** Rows in one commit. */
const STEP = 200
const STEPS_OF_AN_ANSWER = 20

/** Some steps, so that whoever asked sees that it goes on; true while there is more to do. */
export async function rotateSome(step: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let count = 0; count < STEPS_OF_AN_ANSWER; count++) if (!(await step())) return false
  return true
}

export class Rotation {
  readonly #db: SqliteDatabase
  readonly #statements: Statements
  readonly #vault: Vault
  readonly #file: string
  /** Seals anew what is not in records: within the last commit. */
  readonly #resealOthers: () => void
  #after = 0

  constructor(db: SqliteDatabase, statements: Statements, vault: Vault, file: string, reseal: () => void) {
    this.#db = db
    this.#statements = statements
    this.#vault = vault
    this.#file = keyFile(dirname(file), 'vault')
    this.#resealOthers = reseal
  }

  /** True while something may be sealed with an old key. */
  get isUnfinished(): boolean {
    return this.#vault.keys.sealing.length > 1
  }

  /** Makes the key. It is in the file before anything is sealed with it. */
  begin(): void {
    if (this.isUnfinished) return
    if (!existsSync(this.#file)) {
      const hint = 'systemd keeps them: give it new ones with systemd-creds, or let them be'
      throw new JournalError('journal-key', 'the keys of this journal are credentials of systemd, not a file', { hint })
    }
    // point: rotation.before-key
    this.#vault.renew()
    writeKey(this.#file, keysText(this.#vault.keys))
    // point: rotation.key-made
    this.#after = 0
  }

  /** Seals some more anew, in one commit. Returns how far it came; undefined when all is done. */
  step(): number | undefined {
    const rows = this.#statements.sealed.all(this.#after, STEP)
    const last = rows.at(-1)
    if (!last) return this.#finish()
    const old = rows.filter(({ body }) => Vault.keyOf(body) !== this.#vault.keyId)
    this.#db.transaction(() => {
      for (const { seq, body } of old) this.#statements.reseal.run(this.#again(body, contextOf(seq)), seq)
    })()
    // point: rotation.step-committed
    this.#after = last.seq
    return last.seq
  }

  #finish(): undefined {
    this.#db.transaction(() => {
      for (const { reader, key, value } of this.#statements.memories.all())
        this.#statements.remember.run(reader, key, this.#again(value, memoryContext(reader, key)))
      // point: rotation.before-last-commit
      this.#resealOthers()
    })()
    // point: rotation.committed
    this.#vault.dropOld()
    writeKey(this.#file, keysText(this.#vault.keys))
  }

  #again(sealed: Buffer, context: string): Buffer {
    return this.#vault.seal(this.#vault.open(sealed, context), context)
  }
}
