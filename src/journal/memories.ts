/** What is found again after a restart: things that may be stored once only, and what drivers wished to remember. */
import type { Memory } from './records.js'
import type { Statements } from './statements.js'
import type { Vault } from './vault.js'

type Prepared = Pick<Statements, 'addOnce' | 'hasOnce' | 'recall' | 'remember'>

export class Memories {
  readonly #statements: Prepared
  readonly #vault: Vault

  constructor(statements: Prepared, vault: Vault) {
    this.#statements = statements
    this.#vault = vault
  }

  addOnce(once: string): void {
    // point: memory.before-once
    this.#statements.addOnce.run(this.#key(once))
  }

  hasOnce(once: string): boolean {
    return this.#statements.hasOnce.get(this.#key(once)) !== undefined
  }

  recall(reader: string, key: string): string | undefined {
    const sealed = this.#statements.recall.get(reader, key)
    return sealed && this.#vault.open(sealed, contextOf(reader, key))
  }

  remember({ reader, key, value }: Memory): void {
    // point: memory.before-remember
    this.#statements.remember.run(reader, key, this.#vault.seal(value, contextOf(reader, key)))
  }

  /** 16 bytes that tell nothing without the key: what is kept for ever is small, and two texts never share it. */
  #key(once: string): Buffer {
    return this.#vault.lookup(once).subarray(0, 16)
  }
}

export function contextOf(reader: string, key: string): string {
  return `memory ${reader} ${key}`
}
