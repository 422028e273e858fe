/** Waits for things that happen in another process or on another thread; everything else is awaited directly. */
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 5

/** Resolves as soon as `predicate` holds; rejects naming `what` after `timeoutMs`. */
export async function until(
  predicate: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
  what = 'condition',
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await predicate())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`)
    await sleep(POLL_MS)
  }
}
