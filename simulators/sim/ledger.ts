/**
 * Who presented what, and what became of it: matches presentations with the records of the journal and with what the
 * subscriber received. Pure bookkeeping: no clock, no I/O.
 */

/** One presentation: a card laid down, again and again when need be, until it is stored. */
export interface Visit {
  readonly number: number
  readonly reader: string
  readonly person: string
  readonly card: string
  /** When the card was laid down last. */
  laidMs: number
  punch: PunchFacts | undefined
  storedAtMs: number | undefined
  receivedAtMs: number | undefined
  /** The reader showed success. */
  green: boolean
  tries: number
}

/** What matters of a punch record here. */
export interface PunchFacts {
  readonly id: string
  readonly journal: string
  readonly seq: number
  readonly prev: number | null
  readonly reader: string
  readonly card: string
  readonly verdict: string
}

export interface Totals {
  readonly presented: number
  readonly stored: number
  readonly received: number
  /** Presentations that were not received. */
  readonly lost: number
  /** Records beyond one for each presentation. */
  readonly duplicated: number
  /** Deliveries of a record beyond the first, told apart by id. */
  readonly redelivered: number
  readonly accepted: number
  readonly repeats: number
}

export class Ledger {
  readonly visits: Visit[] = []
  readonly #waiting: Visit[] = []
  /** By id, in the order of the journal. */
  readonly #stored = new Map<string, { punch: PunchFacts; visit: Visit | undefined }>()
  /** By id, in the order of the first deliveries. */
  readonly #received = new Map<string, PunchFacts>()
  #redelivered = 0

  present(reader: string, person: string, card: string, nowMs: number): Visit {
    const number = this.visits.length + 1
    const empty = { punch: undefined, storedAtMs: undefined, receivedAtMs: undefined, green: false, tries: 1 }
    const visit: Visit = { number, reader, person, card, laidMs: nowMs, ...empty }
    this.visits.push(visit)
    this.#waiting.push(visit)
    return visit
  }

  /** Enters a record of the journal; answers with the presentation it belongs to. */
  store(punch: PunchFacts, nowMs: number): Visit | undefined {
    const at = this.#waiting.findIndex(({ reader, card }) => reader === punch.reader && card === punch.card)
    const [visit] = at === -1 ? [] : this.#waiting.splice(at, 1)
    this.#stored.set(punch.id, { punch, visit })
    if (visit) {
      visit.punch = punch
      visit.storedAtMs = nowMs
    }
    return visit
  }

  /** Enters a delivery; `first` is false when that id was received before. */
  receive(punch: PunchFacts, nowMs: number): { first: boolean; visit: Visit | undefined } {
    const visit = this.#stored.get(punch.id)?.visit
    if (this.#received.has(punch.id)) {
      this.#redelivered += 1
      return { first: false, visit }
    }
    this.#received.set(punch.id, punch)
    if (visit) visit.receivedAtMs = nowMs
    return { first: true, visit }
  }

  get isAllReceived(): boolean {
    return [...this.#stored.keys()].every((id) => this.#received.has(id))
  }

  get totals(): Totals {
    const verdicts = [...this.#stored.values()].map(({ punch }) => punch.verdict)
    const arrived = this.visits.filter(({ receivedAtMs }) => receivedAtMs !== undefined).length
    return {
      presented: this.visits.length,
      stored: this.#stored.size,
      received: this.#received.size,
      lost: this.visits.length - arrived,
      duplicated: [...this.#stored.values()].filter(({ visit }) => visit === undefined).length,
      redelivered: this.#redelivered,
      accepted: verdicts.filter((verdict) => verdict === 'accepted').length,
      repeats: verdicts.filter((verdict) => verdict === 'repeat').length,
    }
  }

  /** Ids that were stored and not received, and the other way round. */
  get differences(): { readonly unreceived: readonly string[]; readonly unknown: readonly string[] } {
    const unreceived = [...this.#stored.keys()].filter((id) => !this.#received.has(id))
    const unknown = [...this.#received.keys()].filter((id) => !this.#stored.has(id))
    return { unreceived, unknown }
  }

  /** First deliveries, in their order. */
  get deliveries(): readonly PunchFacts[] {
    return [...this.#received.values()]
  }
}
