/** A mosquitto beside the reader that bridges to the broker far away. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt, { type MqttClient } from 'mqtt'
import { accepting, asRoot, mosquittoProgram } from '../broker.js'
import { start } from '../child.js'
import type { Found, Peer, PeerLife, Place } from './peer.js'
import { payloadOf, TOPIC } from './payload.js'

/** Acknowledgements that do not come for so long will not come. */
const STUCK_MS = 10_000
const AT_ONCE = 1_000
/** With `autosave_on_changes` every message writes the whole queue again. */
const MOST_ON_CHANGES = 1_000

/** What Debian's package ships; `max_queued_messages` is mosquitto's default of 1,000 then. */
const SHIPPED = ['persistence true']
const ROWS: readonly {
  readonly name: string
  readonly settings: string
  readonly lines: readonly string[]
  readonly most?: number
}[] = [
  {
    name: 'mosquitto bridge',
    settings: "as Debian ships it: persistence true, everything else mosquitto's default",
    lines: [],
  },
  {
    name: 'mosquitto bridge, autosave 1 s',
    settings: 'max_queued_messages 0, autosave_interval 1',
    lines: ['max_queued_messages 0', 'autosave_interval 1'],
  },
  {
    name: 'mosquitto bridge, autosave on changes',
    settings: 'max_queued_messages 0, autosave_on_changes true, autosave_interval 1',
    lines: ['max_queued_messages 0', 'autosave_on_changes true', 'autosave_interval 1'],
    most: MOST_ON_CHANGES,
  },
]

export function bridges(): Found {
  const version = spawnSync(mosquittoProgram(), ['-h'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? ''
  const peers = ROWS.map(({ name, settings, lines, most }): Peer => ({
    name,
    settings,
    accepted: 'PUBACK of the local mosquitto',
    version,
    ...(most === undefined ? {} : { most }),
    start: (place) => startBridge(place, lines),
  }))
  return { peers, absent: [] }
}

async function startBridge(place: Place, lines: readonly string[]): Promise<PeerLife> {
  const file = join(place.folder, 'bridge.conf')
  writeFileSync(file, configuration(place, lines))
  const child = start(mosquittoProgram(), ['-c', file], { stdio: 'ignore' })
  const ended = once(child, 'close')
  await accepting(place.ownPort, () => child.exitCode !== null)
  const producer = await mqtt.connectAsync(`mqtt://127.0.0.1:${place.ownPort}`, {
    clientId: 'producer',
    reconnectPeriod: 0,
  })
  producer.on('error', () => undefined)
  return {
    pid: child.pid ?? 0,
    produce: (from, count) => publishAll(producer, from, count),
    kill: async () => {
      child.kill('SIGKILL')
      await ended
      await producer.endAsync(true)
    },
  }
}

function configuration({ folder, ownPort, upstreamPort }: Place, lines: readonly string[]): string {
  return [
    `listener ${ownPort} 127.0.0.1`,
    'allow_anonymous true',
    ...SHIPPED,
    `persistence_location ${folder}/`,
    ...lines,
    ...asRoot(),
    'log_type error',
    'connection upstream',
    `address 127.0.0.1:${upstreamPort}`,
    `topic ${TOPIC} out 1`,
    'remote_clientid peers-bridge',
    '',
  ].join('\n')
}

/** So many at once that nobody waits for Nagle's algorithm, and far fewer than there are packet identifiers. */
async function publishAll(producer: MqttClient, from: number, count: number): Promise<readonly number[]> {
  const accepted: number[] = []
  for (let next = from; next < from + count; next += AT_ONCE) {
    const length = Math.min(AT_ONCE, from + count - next)
    const numbers = Array.from({ length }, (_, index) => next + index)
    const stuck = sleep(STUCK_MS, 'stuck' as const, { ref: false })
    const all = Promise.all(numbers.map((number) => publish(producer, number, accepted)))
    if ((await Promise.race([all, stuck])) === 'stuck') break
  }
  return accepted
}

function publish(producer: MqttClient, number: number, accepted: number[]): Promise<void> {
  return new Promise((resolve) => {
    producer.publish(TOPIC, payloadOf(number), { qos: 1 }, (error) => {
      if (!error) accepted.push(number)
      resolve()
    })
  })
}
