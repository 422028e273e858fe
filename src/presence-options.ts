/** The options of every driver that hears people, and the rules they make. */
import { choice, duration, watch, whole, type OptionValue, type Watched } from './config/options.js'
import type { PresenceRules } from './policy/presence.js'

const ABOUT = {
  watch: 'Whom to look for; nobody else is stored. Entries with one name are one person.',
  samples: 'So many signs of life make an arrival.',
  within: 'Longest pause between two of them.',
  enter: 'dBm, smoothed, from which on they count. Sources that tell no strength ignore it.',
  leave: 'dBm, smoothed, below which somebody counts as not heard; some 8 dB below enter.',
  away: 'Silence that makes a departure.',
  grace: 'The same after a connection ended: phones sleep and roam.',
  settle: 'A connection that ends sooner was none.',
  punch: 'first-arrival: the first arrival of a day at a place is a punch, too.',
} as const

/** To be spread into the options of a driver of kind `advert` or `station`; `preset` fits them to its source. */
export function presenceOptions(preset: { readonly samples: number; readonly within: string; readonly away: string }) {
  return {
    watch: watch(ABOUT.watch),
    samples: whole(1, 100, preset.samples, ABOUT.samples),
    within: duration(preset.within, ABOUT.within),
    enter: whole(-120, -20, -75, ABOUT.enter),
    leave: whole(-127, -20, -83, ABOUT.leave),
    away: duration(preset.away, ABOUT.away),
    grace: duration('5m', ABOUT.grace),
    settle: duration('5s', ABOUT.settle),
    punch: choice(['never', 'first-arrival'], 'never', ABOUT.punch),
  }
}

export interface PresenceSettings {
  readonly rules: PresenceRules
  readonly watch: readonly Watched[]
  readonly punchesFirst: boolean
}

/** What the options of a reader say; the loader has checked their types. */
export function presenceSettings(options: Readonly<Record<string, OptionValue>>): PresenceSettings {
  const number = (name: string): number => Number(options[name])
  const watched = options['watch']
  return {
    rules: {
      samples: number('samples'),
      withinMs: number('within'),
      enterDbm: number('enter'),
      // A limit above the other would make everybody come and go.
      leaveDbm: Math.min(number('leave'), number('enter')),
      awayMs: number('away'),
      graceMs: number('grace'),
      settleMs: number('settle'),
    },
    watch: Array.isArray(watched) ? (watched as readonly Watched[]) : [],
    punchesFirst: options['punch'] === 'first-arrival',
  }
}
