/** An outbox on a real journal with a scripted publisher and a clock of the test. */
import { PublishError } from '../../src/errors.js'
import { Journal } from '../../src/journal/journal.js'
import { Outbox } from '../../src/outbox.js'
import { FakeClock } from './fake-clock.js'
import { DirectJournal, ScriptedPublisher } from './publisher.js'
import { IDENTITY } from './records.js'
import { RecordingLogger } from './session.js'
import { until } from './until.js'

/** A receipt: its fields beside `journal`, or a text. */
export type Said = { readonly [field: string]: unknown } | string

export class OutboxRig {
  readonly clock = new FakeClock()
  readonly log = new RecordingLogger()
  readonly publisher = new ScriptedPublisher()
  readonly journal: Journal
  readonly direct: DirectJournal
  readonly outbox: Outbox

  constructor(file: string, settle: 'puback' | 'receipt' = 'puback') {
    this.journal = new Journal(file, IDENTITY)
    const journalOfReceipts = settle === 'receipt' ? this.journal.id : undefined
    this.direct = new DirectJournal(this.journal)
    const { clock, log, publisher, direct: journal } = this
    this.outbox = new Outbox({ journal, publisher, clock, log, settled: this.journal.state.settled, journalOfReceipts })
    this.direct.onAppend = () => this.outbox.appended()
  }

  /** The consumer says something; resolves when the outbox has done what it can. */
  async receipt(said: Said | Buffer, retained = false): Promise<void> {
    const bytes = Buffer.isBuffer(said) ? said : Buffer.from(this.#textOf(said))
    this.outbox.receipt({ payload: bytes, retained })
    await this.settle()
  }

  #textOf(said: Said): string {
    return typeof said === 'string' ? said : JSON.stringify({ journal: this.journal.id, ...said })
  }

  /** The connection is there; resolves when the outbox has done what it can. */
  async connect(): Promise<void> {
    this.publisher.online = true
    this.outbox.online()
    await this.settle()
  }

  async disconnect(deaf = false): Promise<void> {
    this.publisher.drop()
    this.outbox.offline(deaf)
    await this.settle()
  }

  /** Lets all that is ready happen, without time passing: the steps of the outbox are promises only. */
  async settle(): Promise<void> {
    for (let sent = -1; sent !== this.publisher.sent.length;) {
      sent = this.publisher.sent.length
      for (let turn = 0; turn < 4; turn++) await this.clock.settle()
    }
  }

  async until(predicate: () => boolean, what: string): Promise<void> {
    await until(predicate, 15_000, what)
  }

  /** Numbers sent since the last look. */
  takeSent(): number[] {
    const { seqs } = this.publisher
    this.publisher.sent.length = 0
    return seqs
  }

  /** Details of the events of a type that are stored. */
  events(type: string): unknown[] {
    return this.journal
      .tail(0, 1_000_000)
      .records.filter(({ channel }) => channel === type)
      .map(({ body }) => (JSON.parse(`${body.toString()}}`) as { detail: unknown }).detail)
  }

  logged(event: string): number {
    return this.log.lines.filter(({ fields }) => fields['event'] === event).length
  }

  async close(): Promise<void> {
    await this.outbox.stop()
    this.journal.close()
  }
}

/** Numbers from `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
}

/** What a broker answers that does not want a record. */
export function refusal(disposal: 'retry' | 'park', reasonCode = 0x80): PublishError {
  return new PublishError(disposal, 'publish-refused', `refused (0x${reasonCode.toString(16)})`, { reasonCode })
}
