/** Plays a plan on a stage, on the real clock. */
import type { Hands } from './hands.js'
import type { Action } from './plan.js'
import type { Stage } from './stage.js'

/** Resolves when the last action has begun, or when the signal aborts; then nobody else comes. */
export async function play(
  actions: readonly Action[],
  stage: Stage,
  hands: Hands,
  speed: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = stage
  const startMs = clock.uptime()
  for (const action of actions) {
    const waitMs = startMs + action.atMs / speed - clock.uptime()
    if (waitMs > 0) await clock.sleep(waitMs, signal)
    if (signal.aborted) return stage.disperse()
    hands.begin(action, speed)
  }
}
