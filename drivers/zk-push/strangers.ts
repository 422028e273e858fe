/** Who speaks to us without being listed: said once each, with what to write to let them in. */
import type { HttpReply, HttpRequest } from '../../src/driver.js'
import type { Session } from './records.js'

/** Nobody fills our memory or journal by inventing serial numbers. */
const MOST_TOLD = 64
const SERIAL = /^[\w-]{1,32}$/

const REFUSED: HttpReply = { status: 403, body: 'ERROR: not listed' }

export class Strangers {
  readonly #session: Session
  readonly #told = new Set<string>()

  constructor(session: Session) {
    this.#session = session
  }

  /** Answers somebody who is not listed. A terminal keeps its records until it is. */
  async refuse({ query, remote }: HttpRequest, why: 'serial' | 'address' | 'key'): Promise<HttpReply> {
    const serial = query['sn'] ?? ''
    const shown = SERIAL.test(serial) ? serial : '(none)'
    const key = `${why} ${shown} ${remote}`
    if (this.#told.has(key) || this.#told.size >= MOST_TOLD) return REFUSED
    this.#told.add(key)
    const session = this.#session
    const hint = hintOf(why, shown, remote)
    session.log.warn('Terminal refused', { event: 'terminal-unknown', why, serial: shown, address: remote, hint })
    await session.event('terminal-unknown', { why, serial: shown, address: remote, config: hint })
    return REFUSED
  }
}

function hintOf(why: 'serial' | 'address' | 'key', serial: string, remote: string): string {
  if (why === 'address') return `to let it in, add ${remote} to options.allow`
  if (why === 'key') return 'its communication key is not options.pushPassword of this point'
  return `to let it in, add under points: - { id: terminal-${serial.toLowerCase().slice(-8)}, match: { serial: "${serial}" } }`
}
