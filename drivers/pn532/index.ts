/** NXP PN532 boards over their UART (HSU). A card is the same credential here as at a PC/SC reader. */
import type { Driver } from '../../src/driver.js'
import { Antenna } from './antenna.js'
import { Chip } from './chip.js'
import { FIELD_OFF } from './commands.js'
import { fields } from './config.js'
import { Light } from './light.js'
import { probe } from './probe.js'

export const driver: Driver<typeof fields, 'bytes'> = {
  name: 'pn532',
  title: 'PN532 boards over UART (ISO 14443 A and B, FeliCa)',
  transport: 'bytes',
  options: fields,
  requests: ['identify'],
  probe,

  async run(session) {
    const chip = new Chip(session)
    const light = new Light(session, chip)
    try {
      const antenna = new Antenna(session, chip, light)
      await antenna.open()
      await antenna.watch()
    } catch (error) {
      // A stop in the middle of a question is no failure.
      if (!session.signal.aborted) throw error
    }
    // Nobody waits for an answer any more: one command, and a light left on matters more than the field.
    await chip.leave(light.farewell ?? FIELD_OFF)
    await chip.ended()
  },
}
