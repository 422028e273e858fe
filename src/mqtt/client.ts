/** Makes mqtt.js clients: the only importer of `mqtt` and of its packet writer. */
import { createRequire } from 'node:module'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import type { connect, ConnectionOptions } from 'node:tls'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { writeToStream } from 'mqtt-packet'

// Its cache of all 65,536 two-byte numbers takes 6 MB; writing one without it takes nothing worth measuring.
Object.assign(writeToStream, { cacheNumbers: false })

const PORTS: Readonly<Record<string, number>> = { 'mqtt:': 1883, 'mqtts:': 8883 }

/** What comes to us is small: acknowledgements, receipts. Whatever is larger must not fill the memory before it is looked at. */
const LARGEST_PACKET = 2_097_152

/** A client that connects to `url` once. */
export function createClient(url: string, options: IClientOptions): MqttClient {
  const { protocol, hostname, port } = new URL(url)
  const usualPort = PORTS[protocol]
  // mqtt.connect() loads its WebSocket and SOCKS code, 5 MB, whatever the protocol.
  if (usualPort === undefined) return mqtt.connect(url, options)
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? usualPort : Number(port) }
  const build = (client: MqttClient): Socket => {
    const stream = protocol === 'mqtts:' ? connectTls(address, options) : connectTcp(address)
    // mqtt.js passes on only some of them, and an untrusted certificate is not among those.
    stream.on('error', (error) => client.emit('error', error))
    refuseLarge(stream, client)
    return stream
  }
  return new mqtt.MqttClient(build, { ...options, protocol: protocol === 'mqtts:' ? 'mqtts' : 'mqtt' })
}

/** mqtt.js collects a packet until its end, however long it says it is. */
function refuseLarge(stream: Socket, client: MqttClient): void {
  let sincePacket = 0
  client.on('packetreceive', () => (sincePacket = 0))
  stream.on('data', ({ length }) => {
    sincePacket += length
    if (sincePacket > LARGEST_PACKET) stream.destroy(new Error('the broker sends a packet that is too large'))
  })
}

function connectTls(address: { host: string; port: number }, { ca, cert, key }: IClientOptions): Socket {
  const tls = createRequire(import.meta.url)('node:tls') as { connect: typeof connect }
  // An address is no name to ask for; it is compared with the certificate all the same.
  const named = isIP(address.host) === 0 ? { servername: address.host } : {}
  return tls.connect({ ...address, ...named, ca, cert, key } as ConnectionOptions)
}
