/** Node-RED without its editor, and a reader that posts to it. */
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from '../child.js'
import { INSTALLS } from './install.js'
import { plainFlow, sqliteFlow } from './node-red-flow.js'
import { payloadOf } from './payload.js'
import type { Found, Given, Peer, PeerLife, Place } from './peer.js'

const UP_MS = 60_000
const ANSWER_MS = 10_000
/** What a flow does once at its start comes a little after it. */
const ONCE_MS = 1_000
const OK = 200
const ACCEPTED = 'HTTP 200 of the flow'

export function nodeRed({ installed }: Given): Found {
  const { nodeRed: red, nodeRedSqlite } = INSTALLS
  const home = join(installed ?? '', red.folder)
  const has = (proof: string): boolean => installed !== undefined && existsSync(join(home, proof))
  const sqliteName = 'Node-RED, SQLite flow'
  if (!has(red.proof))
    return {
      peers: [],
      absent: [red, nodeRedSqlite].map(({ get }, index) => ({ name: index === 0 ? 'Node-RED' : sqliteName, get })),
    }
  const version = versionOf(home, 'node-red')
  const plain: Peer = {
    name: 'Node-RED',
    settings: 'http in → mqtt out, QoS 1; everything else default',
    accepted: ACCEPTED,
    version,
    start: (place) => startNodeRed(home, place, plainFlow(place.upstreamPort)),
  }
  if (!has(nodeRedSqlite.proof)) return { peers: [plain], absent: [{ name: sqliteName, get: nodeRedSqlite.get }] }
  const durable: Peer = {
    name: sqliteName,
    settings:
      'http in → INSERT (WAL, synchronous FULL) → answer; 500 rows → mqtt out → DELETE when all are acknowledged',
    accepted: `${ACCEPTED}, behind the INSERT`,
    version: `${version}, node-red-node-sqlite ${versionOf(home, 'node-red-node-sqlite').split(' ')[1] ?? ''}`,
    start: (place) => startNodeRed(home, place, sqliteFlow(place.upstreamPort, join(place.folder, 'waiting.db'))),
  }
  return { peers: [plain, durable], absent: [] }
}

function versionOf(home: string, name: string): string {
  const description = readFileSync(join(home, 'node_modules', name, 'package.json'), 'utf8')
  return `${name} ${(JSON.parse(description) as { version: string }).version}`
}

async function startNodeRed(home: string, place: Place, flow: readonly unknown[]): Promise<PeerLife> {
  const user = join(place.folder, 'user')
  mkdirSync(user, { recursive: true })
  writeFileSync(join(user, 'flows.json'), JSON.stringify(flow))
  const settings = {
    uiHost: '127.0.0.1',
    uiPort: place.ownPort,
    httpAdminRoot: false,
    flowFile: 'flows.json',
    userDir: user,
    nodesDir: [join(home, 'node_modules/node-red-node-sqlite')],
    telemetry: { enabled: false, updateNotification: false },
  }
  writeFileSync(join(user, 'settings.cjs'), `module.exports = ${JSON.stringify(settings)}\n`)
  const program = join(home, 'node_modules/node-red/red.js')
  const args = [program, '--userDir', user, '--settings', join(user, 'settings.cjs')]
  const child = start(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: place.folder })
  const ended = once(child, 'close')
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (log += text))
  const deadline = performance.now() + UP_MS
  while (!/Started flows/.test(log)) {
    if (performance.now() > deadline || child.exitCode !== null)
      throw new Error(`peers: Node-RED did not come up: ${log}`)
    await sleep(20)
  }
  await sleep(ONCE_MS)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    pid: child.pid ?? 0,
    produce: (from, count) => postAll(agent, place.ownPort, from, count),
    kill: async () => {
      child.kill('SIGKILL')
      await ended
      agent.destroy()
    },
  }
}

/** One reader: it posts the next punch when the last one was answered. */
async function postAll(agent: Agent, port: number, from: number, count: number): Promise<readonly number[]> {
  const accepted: number[] = []
  for (let number = from; number < from + count; number++) {
    if ((await post(agent, port, payloadOf(number))) === OK) accepted.push(number)
  }
  return accepted
}

function post(agent: Agent, port: number, body: string): Promise<number> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const options = { agent, port, host: '127.0.0.1', path: '/punch', method: 'POST', headers, timeout: ANSWER_MS }
    const asked = request(options, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
    })
    asked.once('error', () => resolve(0)).once('timeout', () => asked.destroy())
    asked.end(body)
  })
}
