/**
 * The consumer, in a process of its own so that nothing keeps it from looking: `child-arrivals PORT TOPIC`. Prints `up TIME`
 * and, for each punch, `CARD TIME`.
 */
import { writeSync } from 'node:fs'
import mqtt from 'mqtt'

const [port = '', topic = ''] = process.argv.slice(2)
const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 })
client.on('message', (_topic, payload) => {
  const at = process.hrtime.bigint()
  const { credential } = JSON.parse(payload.toString()) as { readonly credential: { readonly value: string } }
  writeSync(1, `${credential.value} ${at}\n`)
})
await client.subscribeAsync(topic, { qos: 1 })
writeSync(1, `up ${process.hrtime.bigint()}\n`)
