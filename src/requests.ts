/** What people and other programs ask of a reader while it runs: enrol a finger, remove one, show yourself. */
import type { ReaderId } from './model.js'

/**
 * `enroll`: take a finger or card (`person`: text, `slot`: number, absent = the next free one) → `{ slot }`.
 * `remove`: forget one (`slot`: number). `list`: what is stored → `{ slots, capacity }`, slots as `0,3-7`.
 * `identify`: light up or beep for a while, so that a person sees which reader it is.
 * `set-key`: give the device its key (`key`: 32 hex digits).
 * Of terminals that keep people themselves: `set-time`: take our time. `reboot`. `add-user` (`user`: its number, `name`,
 * `card`: hex, where wished), `remove-user` (`user`).
 */
export const REQUEST_KINDS = [
  'enroll',
  'remove',
  'list',
  'identify',
  'set-key',
  'set-time',
  'reboot',
  'add-user',
  'remove-user',
] as const
export type RequestKind = (typeof REQUEST_KINDS)[number]

/** Names and values of a request, its progress or its result. Never a template, an image or a key. */
export type RequestFacts = Readonly<Record<string, string | number | boolean>>

/** One request as a driver gets it. It must be ended by `done` or `fail`, once. */
export interface ReaderRequest {
  readonly kind: RequestKind
  /** At which point, for readers with `points`. */
  readonly point: ReaderId | undefined
  readonly args: RequestFacts
  /** Aborts when the person gives up or the run ends: undo what is half done, then `fail` or `done` as it turned out. */
  readonly signal: AbortSignal
  /** Tells the person at the command line what to do next or what happened: a word for programs, a sentence for people. */
  readonly progress: (step: string, text: string, facts?: RequestFacts) => void
  readonly done: (result?: RequestFacts) => void
  /** `message` says what the person sees, `hint` what to do about it. */
  readonly fail: (message: string, hint?: string) => void
}

/** The requests for one run of a driver. Iterating waits for the next one and ends with the session. */
export interface ReaderRequests extends AsyncIterable<ReaderRequest> {
  /** The next one if there is one, for drivers that look between two polls. */
  take(): ReaderRequest | undefined
}
