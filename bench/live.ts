/** People at a gate, one after the other, and how long the disk takes meanwhile. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Gate, Presented } from './gate.js'
import type { LitDaemon } from './lit.js'
import { quantile } from './outcome.js'

/** So many a second. */
export const PACE = 20
const BETWEEN_MS = 1_000 / PACE
const BYTES = 350

export interface Lived {
  readonly presented: readonly Presented[]
  /** Milliseconds from the last byte to the light, of each. */
  readonly light: readonly number[]
  /** Milliseconds of one append with fdatasync on the same disk, between each two. */
  readonly sync: readonly number[]
}

/** At least one, then one after the other at this pace while `goesOn`. */
export async function people(
  gate: Gate,
  daemon: LitDaemon,
  folder: string,
  goesOn: (so: number) => boolean,
): Promise<Lived> {
  // prettier-ignore
  const record = Buffer.alloc(BYTES, 'x')
  const fd = openSync(`${folder}/synced`, 'a')
  const presented: Presented[] = []
  const sync: number[] = []
  const begun = performance.now()
  do {
    presented.push(gate.present())
    // Half way to the next one: neither waits for the other, and a disk that slept has slept as long for both.
    await sleep(begun + (presented.length - 0.5) * BETWEEN_MS - performance.now())
    const before = performance.now()
    writeSync(fd, record)
    fdatasyncSync(fd)
    sync.push(performance.now() - before)
    await sleep(begun + presented.length * BETWEEN_MS - performance.now())
  } while (goesOn(presented.length))
  closeSync(fd)
  const light = await Promise.all(presented.map(async ({ card, at }) => (await daemon.green(card)) - at))
  return { presented, light, sync }
}

/** What a p99 may be, given the disk of that minute. */
export function allowedMs(sync: readonly number[]): number {
  return 1.3 * quantile(sync, 0.99) + 3
}
