/** Asks pcscd over its socket what it sees: for tests, which otherwise could not tell that a card was noticed. [PCSC §7] */
import { connect, type Socket } from 'node:net'

const VERSION = 0x11
const READER_STATES = 0x12
const READERS = 16
const STATE_BYTES = 184
const STATE_AT = 132
const PRESENT = 0x04

/** Names of the readers on which pcscd sees a card. Rejects when pcscd is not there. */
export async function readersWithCards(path: string): Promise<string[]> {
  const socket = connect(path)
  try {
    await ask(socket, VERSION, Uint32Array.of(4, 4, 0), 12)
    const states = await ask(socket, READER_STATES, new Uint32Array(), READERS * STATE_BYTES)
    const readers = Array.from({ length: READERS }, (_, index) => states.subarray(index * STATE_BYTES))
    const taken = readers.filter((reader) => (reader.readUInt32LE(STATE_AT) & PRESENT) !== 0)
    return taken.map((reader) => reader.toString('latin1', 0, reader.indexOf(0))).filter((name) => name !== '')
  } finally {
    socket.destroy()
  }
}

/** One request: header of size and command, body; the answer has no header. */
function ask(socket: Socket, command: number, body: Uint32Array, answerBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let answer: Buffer = Buffer.alloc(0)
    const take = (data: Buffer): void => {
      answer = Buffer.concat([answer, data])
      if (answer.length < answerBytes) return
      socket.off('data', take)
      resolve(answer)
    }
    socket.on('data', take)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('pcscd hung up')))
    socket.write(Buffer.from(Uint32Array.of(body.byteLength, command, ...body).buffer))
  })
}
