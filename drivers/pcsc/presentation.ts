/** One card lying on a reader: read it once, report it once, show what became of it. */
import { DeviceError, TransportError, type Card, type ReaderSession } from '../../src/driver.js'
import { cardKind, GET_UID, getUid, parseUid, type UidAnswer } from './codec.js'
import type { Config } from './config.js'
import type { Feedback } from './feedback.js'

export type Session = ReaderSession<Config, 'card'>

type Reading = Exclude<UidAnswer, { kind: 'again' }> | { readonly kind: 'lost'; readonly error: TransportError }

/** Resolves when the presentation is dealt with; what goes wrong on the way is this card's matter, not the run's. */
export async function takeCard(session: Session, card: Card, feedback: Feedback): Promise<void> {
  const { log, signal } = session
  const reading = await readUid(card)
  if (signal.aborted) return
  if (reading.kind !== 'uid') {
    session.count('badFrames')
    logUnread(session, card, reading)
    return feedback.show(card, 'refused')
  }
  session.count('goodFrames')
  const { value, random } = reading
  if (random && session.config.randomUid === 'refuse') {
    const hint =
      'phones and cards with a random number cannot be known by it: use another credential, or options.randomUid'
    log.warn('Card shows a random number', { slot: card.slot, card: value.slice(-4), hint })
    return feedback.show(card, 'refused')
  }
  // The reader's own beep is dealt with while the record is on its way to the disk.
  const muted = feedback.mute(card)
  const verdict = await session.report({
    credential: { type: 'card', value, scope: 'global' },
    method: 'card',
    arrived: card.arrived,
  })
  await muted
  await feedback.show(card, verdict)
}

async function readUid(card: Card): Promise<Reading> {
  try {
    const answer = parseUid(await card.transmit(GET_UID))
    if (answer.kind !== 'again') return answer
    const second = parseUid(await card.transmit(getUid(answer.le)))
    return second.kind === 'again' ? { kind: 'bad', why: 'status' } : second
  } catch (error) {
    if (error instanceof TransportError) return { kind: 'lost', error }
    if (error instanceof DeviceError) return { kind: 'bad', why: 'failed' }
    throw error
  }
}

function logUnread({ log }: Session, card: Card, reading: Exclude<Reading, { kind: 'uid' }>): void {
  const facts = { slot: card.slot, kind: cardKind(card.atr) }
  if (reading.kind === 'bad') return log.warn('Card could not be read', { ...facts, why: reading.why })
  const { code, message, hint } = reading.error
  // A card pulled away too early is a person in a hurry, not a fault.
  if (card.gone.aborted) return log.info('Card left before it was read', facts)
  log.warn('Card could not be read', { ...facts, why: message, code, hint })
}
