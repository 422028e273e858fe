/** Strength of a radio, smoothed: the median takes spikes out, the average what is left. [BLE §5] Pure. */

/** Stronger than that is none: not available (127), or nearer than an antenna can be. */
const STRONGEST_DBM = -10
/** The median is of so many, none older than `MEDIAN_MS`. */
const MEDIAN_OF = 5
const MEDIAN_MS = 10_000
/** How much a new median moves the level. */
const WEIGHT = 0.25

export function isStrength(rssiDbm: number): boolean {
  return rssiDbm <= STRONGEST_DBM
}

export class Level {
  #recent: { readonly uptime: number; readonly rssiDbm: number }[] = []
  #dbm: number | undefined

  /** Undefined before the first strength. */
  get dbm(): number | undefined {
    return this.#dbm
  }

  /** Takes a strength; returns the level. */
  take(uptime: number, rssiDbm: number): number {
    const recent = this.#recent.filter((sample) => uptime - sample.uptime <= MEDIAN_MS).slice(1 - MEDIAN_OF)
    this.#recent = [...recent, { uptime, rssiDbm }]
    const sorted = this.#recent.map((sample) => sample.rssiDbm).sort((one, other) => one - other)
    const median = sorted[Math.floor(sorted.length / 2)] ?? rssiDbm
    // After a silence the old level tells nothing.
    const start = recent.length === 0 ? undefined : this.#dbm
    this.#dbm = start === undefined ? median : start + WEIGHT * (median - start)
    return this.#dbm
  }

  /** The source was deaf. */
  forget(): void {
    this.#recent = []
  }
}
