/** The timers of the journal's thread: given to it, so that a simulation can own its time. */

/** Ends a timer; once it has ended, does nothing. */
export type Cancel = () => void

export interface Timers {
  after(ms: number, act: () => void): Cancel
  every(ms: number, act: () => void): Cancel
  /** Behind all that is waiting now. */
  soon(act: () => void): void
}

/** Those of Node. */
export const TIMERS: Timers = {
  after: (ms, act) => {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
  every: (ms, act) => {
    const timer = setInterval(act, ms)
    return () => clearInterval(timer)
  },
  soon: (act) => void setImmediate(act),
}
