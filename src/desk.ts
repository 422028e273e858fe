/** Where requests for readers come in, and find the run of the driver that can answer them. */
import type { Config } from './config/config.js'
import type { AnyDriver } from './driver.js'
import { DaemonError } from './errors.js'
import type { ReaderId } from './model.js'
import type { Asked, RequestQueue } from './request-queue.js'
import type { RequestFacts, RequestKind } from './requests.js'

export class RequestDesk {
  readonly #readers: Config['readers']
  readonly #drivers: readonly AnyDriver[]
  readonly #queues = new Map<ReaderId, RequestQueue>()

  constructor(readers: Config['readers'], drivers: readonly AnyDriver[]) {
    this.#readers = readers
    this.#drivers = drivers
  }

  /** A run of this reader begins to take requests. */
  opened(reader: ReaderId, queue: RequestQueue): void {
    this.#queues.set(reader, queue)
  }

  /** It is over. */
  closed(reader: ReaderId): void {
    this.#queues.get(reader)?.close()
    this.#queues.delete(reader)
  }

  /** What this reader or point can be asked. */
  can(id: ReaderId): readonly RequestKind[] {
    const reader = this.#readerOf(id)
    return this.#drivers.find(({ name }) => name === reader?.driver)?.requests ?? []
  }

  /** Asks a reader or point. Rejects with DaemonError. */
  async ask(id: ReaderId, asked: Omit<Asked, 'point'>): Promise<RequestFacts> {
    const reader = this.#readerOf(id)
    if (!reader) throw new DaemonError('usage', `no reader has the id "${id}"`, { hint: 'punchd readers lists them' })
    if (reader.id === id && reader.points.length > 0) {
      const names = reader.points.map((point) => point.id).join(', ')
      throw new DaemonError('usage', `"${id}" is several readers`, { hint: `ask one of them: ${names}` })
    }
    if (!this.can(id).includes(asked.kind)) {
      const hint =
        asked.kind === 'enroll' ? 'a card needs none: present it, and punchd tail shows its number' : undefined
      const message = `readers of driver ${reader.driver} cannot ${VERB_OF[asked.kind]}`
      throw new DaemonError('request-impossible', message, hint === undefined ? {} : { hint })
    }
    const queue = this.#queues.get(reader.id)
    if (!queue) {
      throw new DaemonError('request-impossible', `reader "${reader.id}" is not up`, {
        hint: 'punchd readers shows why',
      })
    }
    return queue.ask({ ...asked, ...(reader.id === id ? {} : { point: id }) })
  }

  #readerOf(id: ReaderId): Config['readers'][number] | undefined {
    return this.#readers.find((reader) => reader.id === id || reader.points.some((point) => point.id === id))
  }
}

const VERB_OF: Readonly<Record<RequestKind, string>> = {
  enroll: 'enrol anything',
  remove: 'remove anything',
  list: 'list what they hold',
  identify: 'show themselves',
  'set-key': 'be given a key',
  'set-time': 'be given the time',
  reboot: 'be restarted from here',
  'add-user': 'be given users',
  'remove-user': 'be made to forget users',
}
