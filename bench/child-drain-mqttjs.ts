/** Sends COUNT messages, the lines of a file in turn, with mqtt.js and nothing else: `child-drain-mqttjs FILE PORT COUNT`. */
import { readFileSync } from 'node:fs'
import mqtt from 'mqtt'
import type { Sent } from './drain.js'
import { READER, TOPICS, WINDOW } from './fixture.js'
import { peakRssKb } from './proc.js'

const [file = '', port = '', wanted = ''] = process.argv.slice(2)
const payloads = readFileSync(file, 'utf8').trimEnd().split('\n')
const count = Number(wanted)
const topic = TOPICS.record('punch', READER)
const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 })

const cpu = process.cpuUsage()
const begun = performance.now()
let acknowledged = 0
await new Promise<void>((resolve, reject) => {
  let next = 0
  const send = (): void => {
    if (next === count) return
    const payload = payloads[next++ % payloads.length] ?? ''
    client.publish(topic, payload, { qos: 1 }, (error) => {
      if (error) return reject(error)
      acknowledged += 1
      if (acknowledged === count) resolve()
      send()
    })
  }
  for (let sent = 0; sent < WINDOW; sent++) send()
})
const ms = performance.now() - begun
const { user, system } = process.cpuUsage(cpu)
await client.endAsync()
const sent: Sent = { acknowledged, ms, cpuUs: user + system, maxRssKb: peakRssKb() }
process.stdout.write(JSON.stringify(sent))
