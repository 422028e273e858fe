/** The storage classes of the ThingsBoard gateway, unchanged, with a sender in the shape of its own (thingsboard.py). */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceFile } from '../child.js'
import { INSTALLS } from './install.js'
import { REST, TOPIC } from './payload.js'
import type { Found, Given, Peer } from './peer.js'
import { Program } from './program.js'

const PYTHON = 'python3'
/** The type is what its documentation tells to change; the rest is its shipped tb_gateway.json. */
const ROWS = [
  { name: 'ThingsBoard storage', type: 'memory', settings: 'type memory, as shipped' },
  {
    name: 'ThingsBoard storage, sqlite',
    type: 'sqlite',
    settings: 'type sqlite, everything else as shipped (packs of 10)',
  },
  {
    name: 'ThingsBoard storage, file',
    type: 'file',
    settings: 'type file, everything else as shipped (packs of 10, files of 10,000)',
  },
] as const

export function thingsBoard({ installed, thingsboard }: Given): Found {
  const { folder, proof, get } = INSTALLS.thingsboard
  const checkout = thingsboard ?? (installed === undefined ? undefined : join(installed, folder))
  if (checkout === undefined || !existsSync(join(checkout, proof)) || spawnSync(PYTHON, ['--version']).status !== 0)
    return { peers: [], absent: ROWS.map(({ name }) => ({ name, get })) }
  const version = versionOf(checkout)
  const peers = ROWS.map(({ name, type, settings }): Peer => ({
    name,
    settings,
    accepted: 'put() returned true',
    version,
    start: ({ folder: own, upstreamPort }) =>
      Program.start(name, PYTHON, [
        sourceFile('peers/thingsboard.py'),
        checkout,
        type,
        join(own, 'data/'),
        String(upstreamPort),
        TOPIC,
        REST,
      ]),
  }))
  return { peers, absent: [] }
}

function versionOf(checkout: string): string {
  const file = join(checkout, 'thingsboard_gateway/version.py')
  const said = existsSync(file) ? /VERSION = "(.*)"/.exec(readFileSync(file, 'utf8')) : null
  const python = spawnSync(PYTHON, ['--version'], { encoding: 'utf8' }).stdout.trim()
  return `thingsboard-gateway ${said?.[1] ?? '?'}, ${python}`
}
