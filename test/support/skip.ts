/** A test that cannot be had here says why; the reporter repeats the reasons at the end. */

/** By test, or by suite where a `before` hook skips all of it. */
const reasons = new WeakMap<Mocha.Runnable | Mocha.Suite, string>()

/** Call it as `skip(this, 'mosquitto is not installed')` in a test or hook; it does not return. */
export function skip(context: Mocha.Context, reason: string): never {
  reasons.set(whatIsSkipped(context), reason)
  return context.skip()
}

/** Why a test was skipped, when that was said with `skip`. */
export function reasonOf(test: Mocha.Test): string | undefined {
  for (let at: Mocha.Runnable | Mocha.Suite | undefined = test; at !== undefined; at = at.parent) {
    const reason = reasons.get(at)
    if (reason !== undefined) return reason
  }
  return undefined
}

function whatIsSkipped(context: Mocha.Context): Mocha.Runnable | Mocha.Suite {
  const running = context.runnable()
  if (running.title.startsWith('"before all"')) return running.parent ?? running
  if (running.title.startsWith('"before each"')) return context.currentTest ?? running
  return running
}
