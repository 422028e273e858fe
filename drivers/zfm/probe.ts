/** Is it a fingerprint module? Asked with the one command that changes nothing and needs no password: show the parameters. */
import { Inbox, type Probe } from '../../src/driver.js'
import { CODE, COMMAND, packet, PacketDecoder, parametersIn } from './codec.js'

const DEFAULT_ADDRESS = 0xffff_ffff
const ANSWER_MS = 500

export const probe: Probe = {
  baudRates: [57_600, 9_600, 115_200],
  ask: async (transport, clock, signal) => {
    const decoder = new PacketDecoder(DEFAULT_ADDRESS)
    const inbox = new Inbox({ transport, clock, signal, decode: (bytes) => decoder.push(bytes).packets })
    await transport.write(packet(DEFAULT_ADDRESS, 0x01, COMMAND.readParameters))
    const answer = await inbox.next(ANSWER_MS)
    if (answer?.frame.pid !== 0x07) return undefined
    const code = answer.frame.payload[0]
    // One with a password of its own says so, and that is an answer too.
    if (code === CODE.passwordFirst) return { model: 'EF01 fingerprint module with a password' }
    const parameters = parametersIn(answer.frame.payload)
    return parameters && { model: `EF01 fingerprint module, ${parameters.capacity} slots` }
  },
}
