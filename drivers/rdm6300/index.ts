/** RDM6300, RDM630, ID-12LA, ID-20LA: 125 kHz readers that only ever send. */
import { Hold, type Driver } from '../../src/driver.js'
import { FrameDecoder } from './codec.js'
import { fields } from './config.js'

export const driver: Driver<typeof fields, 'bytes'> = {
  name: 'rdm6300',
  title: 'RDM6300, ID-12LA and ID-20LA 125 kHz card readers',
  transport: 'bytes',
  options: fields,

  async run(session) {
    // The device takes no command, so it cannot be asked whether it is there. [RDM6300 §1.1]
    session.ready({ model: 'RDM6300 class' })
    const decoder = new FrameDecoder()
    const hold = new Hold(session.config.hold)
    for await (const { bytes, arrived } of session.transport) {
      const { cards, bad, discarded } = decoder.push(bytes)
      if (cards.length > 0) session.count('goodFrames', cards.length)
      if (bad > 0) session.count('badFrames', bad)
      if (discarded > 0) session.count('discardedBytes', discarded)
      for (const value of cards) {
        if (!hold.begins(value, arrived.uptime)) continue
        await session.report({ credential: { type: 'card', value, scope: 'global' }, method: 'card', arrived })
      }
    }
  },
}
