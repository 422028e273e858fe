/** Contactless cards on PC/SC readers: ACR122U and everything else that pcscd knows. */
import type { Driver } from '../../src/driver.js'
import { fields } from './config.js'
import { Feedback } from './feedback.js'
import { Lanes } from './lanes.js'
import { takeCard } from './presentation.js'

/** Cards of one reader that wait for a slow disk. More have long gone, and cannot be read any more. */
const MAX_WAITING = 8

export const driver: Driver<typeof fields, 'card'> = {
  name: 'pcsc',
  title: 'PC/SC contactless card readers (ACR122U and others)',
  transport: 'card',
  options: fields,

  async run(session) {
    // The transport found the readers before it was opened; there is nothing more to ask them.
    session.ready({ model: session.transport.slots.join(', ') })
    const feedback = new Feedback(session)
    const lanes = new Lanes(MAX_WAITING)
    for await (const card of session.transport) {
      lanes.check()
      if (!lanes.add(card.slot, () => takeCard(session, card, feedback))) session.count('badFrames')
    }
    lanes.check()
  },
}
