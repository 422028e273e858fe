/**
 * What one writes in an afternoon: mqtt.js and a store. `child-mqttjs PORT [FOLDER MODULES]`: without a folder the store
 * is the one in memory, with one it is mqtt-level-store, found in MODULES.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import mqtt, { UniqueMessageIdProvider, type IClientOptions, type Store } from 'mqtt'
import { say, takeOrders } from './orders.js'
import { payloadOf, TOPIC } from './payload.js'

/** So many puts at once, none waits for a disk alone. */
const AT_ONCE = 64

const [port = '', folder, modules = ''] = process.argv.slice(2)

interface LevelStores {
  readonly incoming: Store
  readonly outgoing: Store
}

/** What its README shows, and the one setting that keeps identifiers apart. */
function levelStore(path: string): IClientOptions {
  const open = createRequire(join(modules, 'index.js'))('mqtt-level-store') as (path: string) => LevelStores
  const { incoming, outgoing } = open(path)
  return { incomingStore: incoming, outgoingStore: outgoing, messageIdProvider: new UniqueMessageIdProvider() }
}

const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
  clientId: 'peers-mqttjs',
  clean: false,
  ...(folder === undefined ? {} : levelStore(folder)),
})
// It goes on trying; that the broker is away is what the bench is about.
client.on('error', () => undefined)

/** Resolves with the number when the store has it. */
function put(number: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const cbStorePut = (error?: Error): void => (error ? reject(error) : resolve(number))
    client.publish(TOPIC, payloadOf(number), { qos: 1, cbStorePut })
  })
}

await takeOrders(async ({ from, count }) => {
  for (let next = from; next < from + count; next += AT_ONCE) {
    const length = Math.min(AT_ONCE, from + count - next)
    say(...(await Promise.all(Array.from({ length }, (_, index) => put(next + index)))))
  }
})
