/** A tail as columns: two threads copy a few arrays faster than hundreds of objects. */
import type { OutboundRecord } from './journal.js'

export interface Columns {
  readonly seqs: readonly number[]
  readonly walls: readonly number[]
  readonly kinds: readonly OutboundRecord['kind'][]
  readonly channels: readonly string[]
  readonly bodies: readonly string[]
}

export function packed(records: readonly OutboundRecord[]): Columns {
  return {
    seqs: records.map(({ seq }) => seq),
    walls: records.map(({ wall }) => wall),
    kinds: records.map(({ kind }) => kind),
    channels: records.map(({ channel }) => channel),
    bodies: records.map(({ body }) => body),
  }
}

export function unpacked({ seqs, walls, kinds, channels, bodies }: Columns): OutboundRecord[] {
  return seqs.map((seq, index) => ({
    seq,
    wall: walls[index] ?? 0,
    kind: kinds[index] ?? 'audit',
    channel: channels[index] ?? '',
    body: bodies[index] ?? '',
  }))
}
