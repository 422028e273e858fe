/** Lays a virtual card on a real pcscd: the card's end of the vpcd protocol of Debian's vsmartcard. [PCSC §8] */
import { connect, type Socket } from 'node:net'
import type { VirtualCard } from './card.js'

const POWER_OFF = 0x00
const POWER_ON = 0x01
const RESET = 0x02
const GET_ATR = 0x04

/** One slot of the virtual reader: pcscd listens on its port, a card is a client. */
export class VpcdSlot {
  readonly #port: number
  readonly #host: string
  #socket: Socket | undefined

  constructor(port: number, host = '127.0.0.1') {
    this.#port = port
    this.#host = host
  }

  /** Lays a card down. pcscd looks about twice a second, so it is seen within half a second. */
  async insert(card: VirtualCard): Promise<void> {
    await this.remove()
    const socket = connect(this.#port, this.#host)
    this.#socket = socket
    let unread: Buffer = Buffer.alloc(0)
    socket.on('data', (data: Buffer) => {
      unread = Buffer.concat([unread, data])
      while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
        const end = 2 + unread.readUInt16BE(0)
        answer(socket, card, unread.subarray(2, end))
        unread = unread.subarray(end)
      }
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    // pcscd that is killed with the card in it: the card is out, nothing more.
    socket.on('error', () => undefined)
  }

  /** Takes the card off: the connection closes. */
  async remove(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (!socket || socket.destroyed) return
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.destroy()
    })
  }
}

function answer(socket: Socket, card: VirtualCard, message: Buffer): void {
  if (message.length === 1) {
    // One byte is a control code; power and reset are not answered.
    const [code] = message
    if (code === GET_ATR) send(socket, card.atr)
    else if (code !== POWER_OFF && code !== POWER_ON && code !== RESET) send(socket, Uint8Array.of(0x6d, 0x00))
    return
  }
  send(socket, card.answer(message))
}

function send(socket: Socket, payload: Uint8Array): void {
  const frame = Buffer.alloc(2 + payload.length)
  frame.writeUInt16BE(payload.length, 0)
  frame.set(payload, 2)
  socket.write(frame)
}
