/** A twin that answers datagrams on 127.0.0.1: to whoever asked last. */
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import type { Line } from './line.js'

/** Binds `port`; 0 takes any free one. */
export async function udpLine(port = 0): Promise<Line & { readonly url: string }> {
  const socket = createSocket('udp4')
  let host: RemoteInfo | undefined
  let isOpen = true
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  const close = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await new Promise<void>((resolve) => socket.close(() => resolve()))
  }
  const line: Line & { readonly url: string } = {
    url: `udp://127.0.0.1:${socket.address().port}`,
    onReceive: undefined,
    send: (bytes) => {
      if (!isOpen || !host) return 'lost'
      socket.send(bytes, host.port, host.address)
      return 'whole'
    },
    unplug: close,
    close,
  }
  socket.on('message', (bytes, from) => {
    host = from
    line.onReceive?.(bytes)
  })
  // A host that went away: the next one is another.
  socket.on('error', () => undefined)
  return line
}
