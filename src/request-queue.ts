/** Requests on their way to one run of a driver. */
import { DaemonError } from './errors.js'
import type { ReaderId } from './model.js'
import type { ReaderRequest, ReaderRequests, RequestFacts, RequestKind } from './requests.js'

export interface Asked {
  readonly kind: RequestKind
  readonly point?: ReaderId | undefined
  readonly args?: RequestFacts
  /** Aborts when whoever asked gives up. */
  readonly signal?: AbortSignal
  readonly onProgress?: (step: string, text: string, facts: RequestFacts) => void
}

export class RequestQueue implements ReaderRequests {
  readonly #signal: AbortSignal
  readonly #waiting: ReaderRequest[] = []
  /** Those that were given to nobody or are under way. */
  readonly #open = new Set<(error: DaemonError) => void>()
  #wake: (() => void) | undefined

  /** `signal` ends the run, and with it every request. */
  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Resolves with what the driver answers; rejects with DaemonError. */
  ask({ kind, point, args = {}, signal, onProgress }: Asked): Promise<RequestFacts> {
    return new Promise((resolve, reject) => {
      if (this.#signal.aborted) return reject(ended())
      const own = new AbortController()
      const settle = (act: () => void): void => {
        if (!this.#open.delete(lose)) return
        signal?.removeEventListener('abort', giveUp)
        act()
      }
      const lose = (error: DaemonError): void => {
        own.abort()
        settle(() => reject(error))
      }
      const fail = (message: string, hint?: string): void => settle(() => reject(failed(message, hint)))
      const progress: ReaderRequest['progress'] = (step, text, facts = {}) => onProgress?.(step, text, facts)
      const done = (result: RequestFacts = {}): void => settle(() => resolve(result))
      const request: ReaderRequest = { kind, point, args, signal: own.signal, progress, done, fail }
      const giveUp = (): void => {
        own.abort()
        // A driver that has it answers itself; one that has not must never see it.
        if (this.#withdraw(request)) fail('given up before it began')
      }
      this.#open.add(lose)
      this.#waiting.push(request)
      signal?.addEventListener('abort', giveUp, { once: true })
      if (signal?.aborted) giveUp()
      this.#wake?.()
    })
  }

  /** True when it was still waiting. */
  #withdraw(request: ReaderRequest): boolean {
    const at = this.#waiting.indexOf(request)
    if (at >= 0) this.#waiting.splice(at, 1)
    return at >= 0
  }

  take(): ReaderRequest | undefined {
    return this.#waiting.shift()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReaderRequest> {
    const wake = (): void => this.#wake?.()
    this.#signal.addEventListener('abort', wake, { once: true })
    try {
      while (!this.#signal.aborted) {
        const next = this.take()
        if (next) yield next
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.#signal.removeEventListener('abort', wake)
    }
  }

  /** The run is over: whoever still waits is told. */
  close(): void {
    for (const lose of [...this.#open]) lose(ended())
    this.#waiting.length = 0
  }
}

function ended(): DaemonError {
  return new DaemonError('request-impossible', 'the reader went away meanwhile', {
    hint: 'punchd readers shows why; ask again when it is up',
  })
}

function failed(message: string, hint: string | undefined): DaemonError {
  return new DaemonError('request-failed', message, hint === undefined ? {} : { hint })
}
