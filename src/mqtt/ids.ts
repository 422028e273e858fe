/** Packet identifiers: few, and the one that has been free for longest is used next. */
import type { IClientOptions } from 'mqtt'

type MessageIdProvider = NonNullable<IClientOptions['messageIdProvider']>

const LARGEST = 65_535
/** An identifier rests while so many others are used: an acknowledgement that comes twice finds no record to acknowledge. */
const RESTING = 128

/**
 * mqtt.js keeps what is in flight in an object by identifier. With its own provider, which counts through all 65,535,
 * that object becomes a slow hash table; with few identifiers it stays an array.
 */
export class PacketIds implements MessageIdProvider {
  readonly #free: number[] = []
  #highest = 0
  #last = 0

  allocate(): number | null {
    const enough = this.#free.length > RESTING || this.#highest >= LARGEST
    const id = enough ? (this.#free.shift() ?? null) : ++this.#highest
    if (id !== null) this.#last = id
    return id
  }
  getLastAllocated(): number | null {
    return this.#last === 0 ? null : this.#last
  }
  /** Identifiers are only registered for what an earlier connection left over: there is no such thing. */
  register(): boolean {
    return false
  }
  deallocate(id: number): void {
    this.#free.push(id)
  }
  clear(): void {
    this.#free.length = 0
    this.#highest = 0
  }
}
