/** The policy of the file as the daemon holds it, and what its rules say that no reader fits. */
import type { Config, PolicyConfig } from './config.js'
import { didYouMean, type Problem } from './problems.js'
import type { FileValues } from './schema.js'

export function policyConfig({ repeatWindow, verify, unknown, autoDirection }: FileValues['policy']): PolicyConfig {
  const [hours = 0, minutes = 0] = autoDirection.dayStart.split(':').map(Number)
  return {
    repeatWindowMs: repeatWindow,
    verify: verify.flatMap(({ place, factors: [first, second], within }) =>
      first && second ? [{ place, factors: [first, second] as const, withinMs: within }] : [],
    ),
    unknown,
    autoDirection: {
      dayStartMs: autoDirection.dayStart === 'none' ? null : (hours * 60 + minutes) * 60_000,
      maxStayMs: autoDirection.maxStay,
    },
  }
}

/** A rule that can never hold is a mistake, not a rule. */
export function policyProblems({ readers, policy }: Config): Problem[] {
  const places = new Set(readers.flatMap((reader) => [reader, ...reader.points]).map(({ place }) => place))
  const seen = new Set<string>()
  return policy.verify.flatMap(({ place }, nth): Problem[] => {
    const path = ['policy', 'verify', nth, 'place']
    const twin = seen.has(place)
    seen.add(place)
    if (twin) return [{ severity: 'error', path, message: `place "${place}" has a rule already` }]
    if (places.has(place)) return []
    const suggestion = didYouMean(place, [...places])
    return [{ severity: 'error', path, message: `no reader has the place "${place}"`, suggestion }]
  })
}
