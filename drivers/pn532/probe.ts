/** Is it a PN532? Asked for its firmware version. */
import { Inbox, type Probe } from '../../src/driver.js'
import { COMMAND, firmwareIn, frame, FrameDecoder, WAKE_UP } from './codec.js'

const ANSWER_MS = 300

export const probe: Probe = {
  baudRates: [115_200],
  ask: async (transport, clock, signal) => {
    const decoder = new FrameDecoder()
    const inbox = new Inbox({ transport, clock, signal, decode: (bytes) => decoder.push(bytes).frames })
    await transport.write(Uint8Array.from([...WAKE_UP, ...frame(COMMAND.samConfiguration)]))
    await inbox.pause(50)
    inbox.clear()
    await transport.write(frame(COMMAND.firmware))
    for (;;) {
      const answer = await inbox.next(ANSWER_MS)
      if (!answer) return undefined
      if (answer.frame.kind !== 'data') continue
      const firmware = firmwareIn(answer.frame.data)
      return firmware === undefined ? undefined : { model: 'PN532', firmware }
    }
  },
}
