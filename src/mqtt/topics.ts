/** Topic names (CONTRACT §4). No personal data in them. */
import type { ReaderId, RecordKind } from '../model.js'

const RECORD_LEVEL: Readonly<Record<RecordKind, string>> = {
  punch: 'punch',
  audit: 'event',
  presence: 'presence',
  correction: 'correction',
}

export class Topics {
  readonly #base: string
  /** Those in use: a handful of readers and event types. */
  readonly #records: Readonly<Record<RecordKind, Map<string, string>>> = {
    punch: new Map(),
    audit: new Map(),
    presence: new Map(),
    correction: new Map(),
  }

  constructor(topicPrefix: string, site: string, gateway: string) {
    this.#base = `${topicPrefix}/${site}/${gateway}`
  }

  get state(): string {
    return `${this.#base}/state`
  }
  get info(): string {
    return `${this.#base}/info`
  }
  get health(): string {
    return `${this.#base}/health`
  }
  get watermark(): string {
    return `${this.#base}/watermark`
  }
  readerState(reader: ReaderId): string {
    return `${this.#base}/reader/${reader}/state`
  }
  /** Where a record goes: `P/punch/<reader>`, `P/presence/<reader>`, `P/event/<type>`. */
  record(kind: RecordKind, channel: string): string {
    const known = this.#records[kind].get(channel)
    if (known !== undefined) return known
    const topic = `${this.#base}/${RECORD_LEVEL[kind]}/${channel}`
    this.#records[kind].set(channel, topic)
    return topic
  }
}
