/** What a port 4370 terminal stores: its log, in as many bytes as it has, and its users. */

/** One punch as the terminal keeps it. */
export interface StoredPunch {
  readonly user: string
  /** Packed local time. */
  readonly time: number
  readonly verify: number
  readonly state: number
}

/** Sizes in which firmware keeps a punch. [ZK4370 §5] */
export type RowBytes = 8 | 16 | 40 | 49

export class PunchLog {
  readonly rowBytes: RowBytes
  count = 0
  isRing = false
  readonly #bytes: Buffer
  readonly #slotOf: (user: string) => number

  constructor(rowBytes: RowBytes, capacity: number, slotOf: (user: string) => number) {
    this.rowBytes = rowBytes
    this.#bytes = Buffer.alloc(capacity * rowBytes)
    this.#slotOf = slotOf
  }

  /** A full log keeps what it has, or forgets its oldest row. */
  add({ user, time, verify, state }: StoredPunch): void {
    if (this.isRing && (this.count + 1) * this.rowBytes > this.#bytes.length) {
      this.#bytes.copyWithin(0, this.rowBytes)
      this.count -= 1
    }
    const row = this.#bytes.subarray(this.count * this.rowBytes, (this.count + 1) * this.rowBytes)
    if (row.length === 0) return
    row.fill(0)
    if (this.rowBytes === 8) {
      row.writeUInt16LE(this.#slotOf(user), 0)
      row.writeUInt8(verify, 2)
      row.writeUInt32LE(time, 3)
      row.writeUInt8(state, 7)
    } else if (this.rowBytes === 16) {
      row.writeUInt32LE(Number(user), 0)
      row.writeUInt32LE(time, 4)
      row.set([verify, state], 8)
    } else {
      row.writeUInt16LE(this.#slotOf(user), 0)
      row.write(user, 2, 24, 'latin1')
      row.writeUInt8(verify, 26)
      row.writeUInt32LE(time, 27)
      row.writeUInt8(state, 31)
      row.writeUInt8(0xff, 36)
    }
    this.count += 1
  }

  /** The first `count` rows. */
  rows(count: number): Buffer {
    return this.#bytes.subarray(0, count * this.rowBytes)
  }
}

/** [ZK4370 §6] Slots count from 1. */
export function userTable(users: readonly string[], size: 72 | 28): Buffer {
  return Buffer.concat(
    users.map((user, index) => {
      const row = Buffer.alloc(size)
      row.writeUInt16LE(index + 1, 0)
      if (size === 72) {
        row.write(`Name ${user}`, 11, 24, 'latin1')
        row.write(user, 48, 24, 'latin1')
      } else {
        row.write('Name', 8, 8, 'latin1')
        row.writeUInt32LE(Number(user), 24)
      }
      return row
    }),
  )
}

/** [ZK4370 §7, GET_FREE_SIZES] */
export function freeSizes(users: number, records: number, capacity: number): Buffer {
  const sizes = Buffer.alloc(80)
  for (const [at, value] of [
    [16, users],
    [32, records],
    [60, 3_000],
    [64, capacity],
    [72, 3_000 - users],
    [76, capacity - records],
  ] as const)
    sizes.writeInt32LE(value, at)
  return sizes
}

/** Lengths that live events have in the field. [ZK4370 §5] */
export type EventBytes = 10 | 12 | 14 | 32 | 36 | 52

export function liveEvent(length: EventBytes, slot: number, punch: StoredPunch, parts: readonly number[]): Buffer {
  const event = Buffer.alloc(length)
  const codes = [punch.verify, punch.state, ...parts]
  if (length === 12) {
    event.writeUInt32LE(Number(punch.user), 0)
    event.set(codes, 4)
  } else if (length < 32) {
    event.writeUInt16LE(slot, 0)
    event.set(codes, 2)
  } else {
    event.write(punch.user, 0, 24, 'latin1')
    event.set(codes, 24)
  }
  return event
}
