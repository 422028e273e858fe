/** Abort signals for loops that run for years. */

import { setMaxListeners } from 'node:events'

/** A controller that aborts with its parent until it is released. */
export interface LinkedAbort {
  readonly signal: AbortSignal
  /** Aborts it alone, and lets go of the parent. */
  abort(): void
}

/**
 * A signal under a long-lived one. `AbortSignal.any` keeps something of every child it made for as long as the parent
 * lives, and a reader without its cable makes one every few seconds.
 */
export function linkedAbort(parent: AbortSignal): LinkedAbort {
  const own = new AbortController()
  // Every reader listens to the one stop: from the eleventh on Node would take that for a leak.
  setMaxListeners(0, parent)
  const abort = (): void => {
    parent.removeEventListener('abort', abort)
    own.abort()
  }
  if (parent.aborted) abort()
  else parent.addEventListener('abort', abort)
  return { signal: own.signal, abort }
}

/** Resolves when the signal aborts. For signals that end with what waits for them. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
