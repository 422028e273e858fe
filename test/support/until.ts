/** Waits for things that happen in another process or on another thread; everything else is awaited directly. */
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 5
/** A question that takes long, as one that starts a program, takes processor time from what it asks about. */
const SLOWEST_POLL_MS = 200

/** Resolves as soon as `predicate` holds; rejects naming `what` after `timeoutMs`. */
export async function until(
  predicate: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
  what = 'condition',
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const asked = performance.now()
    if (await predicate()) return
    const now = performance.now()
    if (now > deadline) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`)
    await sleep(Math.min(Math.max(now - asked, POLL_MS), SLOWEST_POLL_MS))
  }
}
