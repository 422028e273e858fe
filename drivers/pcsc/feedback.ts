/** Shows verdicts on readers that can. A light that fails never costs a punch. */
import { DeviceError, TransportError, type Card, type ReaderSession, type Verdict } from '../../src/driver.js'
import { isObeyed, ledCommand, MUTE, type Pattern } from './codec.js'
import type { Config } from './config.js'

/** Told apart with the eyes shut, or with the ears shut. README, "Feedback". */
export const PATTERNS: Readonly<Record<Verdict, Pattern>> = {
  accepted: { colour: 'green', on: 2, off: 0, times: 1 },
  repeat: { colour: 'green', on: 1, off: 1, times: 2 },
  unknown: { colour: 'red', on: 6, off: 0, times: 1 },
  refused: { colour: 'red', on: 1, off: 1, times: 3 },
}

type Session = Pick<ReaderSession<Config, 'card'>, 'config' | 'transport' | 'signal' | 'log'>

export class Feedback {
  readonly #session: Session
  /** Readers of which it was logged that they cannot show anything. */
  readonly #dumb = new Set<string>()

  constructor(session: Session) {
    this.#session = session
  }

  /**
   * Silences the reader's own beep, which says "card seen": people shall hear the verdict only. Sent with every
   * card, because a reader that lost its power meanwhile has forgotten it. [PCSC §4.2]
   */
  async mute(card: Card): Promise<void> {
    if (this.#can(card.slot)) await this.#send(card, MUTE)
  }

  async show(card: Card, verdict: Verdict): Promise<void> {
    if (!this.#can(card.slot)) return
    const shown = await this.#send(card, ledCommand(PATTERNS[verdict]))
    if (shown || this.#dumb.has(card.slot) || this.#session.signal.aborted) return
    this.#dumb.add(card.slot)
    this.#session.log.info('Reader did not show the verdict', { slot: card.slot, verdict })
  }

  #can(slot: string): boolean {
    const { feedback } = this.#session.config
    return feedback === 'acr122' || (feedback === 'auto' && /acr122/i.test(slot))
  }

  /** Through the card's connection while there is one, else as an escape command. [PCSC §4.2, §4.4] */
  async #send(card: Card, command: Uint8Array): Promise<boolean> {
    const ways = [() => card.transmit(command), () => this.#session.transport.control(card.slot, command)]
    for (const way of ways) {
      if (this.#session.signal.aborted) return false
      try {
        if (isObeyed(await way())) return true
      } catch (error) {
        if (!(error instanceof TransportError || error instanceof DeviceError)) throw error
      }
    }
    return false
  }
}
