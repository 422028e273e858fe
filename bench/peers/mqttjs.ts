/** Bare mqtt.js, with the store in memory (its default) and with one on disk. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { programFile } from '../child.js'
import { INSTALLS } from './install.js'
import type { Found, Given, Peer } from './peer.js'
import { Program } from './program.js'

const version = `mqtt.js ${mqtt.MQTTJS_VERSION}`

const inMemory: Peer = {
  name: 'mqtt.js',
  settings: 'defaults, session kept: QoS 1 waits in memory',
  accepted: 'cbStorePut: the store has it',
  version,
  start: ({ upstreamPort }) =>
    Program.start('mqtt.js', process.execPath, [programFile('peers/child-mqttjs'), String(upstreamPort)]),
}

export function mqttjs({ installed }: Given): Found {
  const { folder, get } = INSTALLS.level
  const modules = join(installed ?? '', folder)
  const description = join(modules, 'node_modules/mqtt-level-store/package.json')
  if (installed === undefined || !existsSync(description))
    return { peers: [inMemory], absent: [{ name: 'mqtt.js, level store', get }] }
  const store = (JSON.parse(readFileSync(description, 'utf8')) as { version: string }).version
  const onDisk: Peer = {
    name: 'mqtt.js, level store',
    settings: 'mqtt-level-store and unique message identifiers; it has no setting for fsync',
    accepted: inMemory.accepted,
    version: `${version}, mqtt-level-store ${store}`,
    start: ({ folder: own, upstreamPort }) =>
      Program.start('mqtt.js with its level store', process.execPath, [
        programFile('peers/child-mqttjs'),
        String(upstreamPort),
        join(own, 'level'),
        modules,
      ]),
  }
  return { peers: [inMemory, onDisk], absent: [] }
}

/** It keeps everything in memory: a harness that does not see it lose that in a kill sees nothing. */
export const CONTROL = inMemory.name
