/** Back-off as a pure sequence of pauses: no timers inside. */

export interface BackOff {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * Pauses that double from `firstMs` to `maxMs`, each spread by a quarter up or down so that a site's gateways
 * do not knock in step after a power cut. `random` gives numbers in [0, 1).
 */
export function* pauses({ firstMs, maxMs }: BackOff, random: () => number = Math.random): Generator<number, never> {
  for (let pause = firstMs; ; pause = Math.min(pause * 2, maxMs)) {
    yield Math.round(pause * (0.75 + random() / 2))
  }
}
