/** Is it a PN532? Asked for its firmware version. */
import { Inbox, type Probe } from '../../src/driver.js'
import { frame, FrameDecoder, WAKE_UP } from './codec.js'
import { FIRMWARE, firmwareIn, SAM_CONFIGURATION } from './commands.js'

const ANSWER_MS = 300
const WAKE_MS = 50

export const probe: Probe = {
  baudRates: [115_200],
  ask: async (transport, clock, signal) => {
    const decoder = new FrameDecoder()
    const inbox = new Inbox({ transport, clock, signal, decode: (bytes) => decoder.push(bytes).frames })
    await transport.write(Uint8Array.from([...WAKE_UP, ...frame(SAM_CONFIGURATION)]))
    await inbox.pause(WAKE_MS)
    inbox.clear()
    await transport.write(frame(FIRMWARE))
    for (;;) {
      const answer = await inbox.next(ANSWER_MS)
      if (!answer) return undefined
      if (answer.frame.kind !== 'data') continue
      const about = firmwareIn(answer.frame.data)
      return about?.chip === 0x32 ? { model: 'PN532', firmware: about.firmware } : undefined
    }
  },
}
