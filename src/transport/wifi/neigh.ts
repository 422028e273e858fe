/**
 * Devices of the local network, by the kernel's table of neighbours. An entry proves a sign of life only when it becomes
 * REACHABLE, so the kernel is given a reason to ask now and then. [WIFI §2]
 */
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { every } from '../../clock.js'
import { messageOf, TransportError } from '../../errors.js'
import { Program } from '../program.js'
import type { OpenContext } from '../url.js'
import { addressOf, type Newsroom } from './news.js'
import type { Source, WifiUrl } from './source.js'

const PROGRAM = 'ip'
/** How often known neighbours are asked; a sleeping phone answers one question in several. */
const ASK_MS = 60_000
const ANSWER_MS = 5_000
/** RFC 863: whoever answers throws it away, and the kernel had to find the address first. */
const DISCARD_PORT = 9
/** For one device it leaves `dev NAME` out. */
const LINE =
  /^(\S+) (?:dev \S+ )?lladdr (\S+) (?:router |extern_learn |proxy |extern_valid )*(REACHABLE|DELAY|PROBE|STALE|PERMANENT|NOARP)\b/

export async function openNeigh({ iface }: WifiUrl, { clock }: OpenContext, room: Newsroom): Promise<Source> {
  await requireInterface(iface)
  /** Internet addresses to ask. */
  const known = new Map<string, true>()
  const take = (line: string): void => {
    const [, internet = '', written, state] = LINE.exec(line) ?? []
    const address = addressOf(written)
    if (address === undefined) return
    known.set(internet, true)
    if (state === 'REACHABLE') room.tell({ kind: 'heard', address })
  }
  const program = new Program([PROGRAM, 'monitor', 'neigh', 'dev', iface], {
    onLine: take,
    onEnd: (words) => room.fail(new TransportError('transport-lost', `the neighbours of ${iface} are not told any more: ${words || 'ip ended'}`)), // prettier-ignore
  })
  for (const line of (await run(['neigh', 'show', 'dev', iface])).split('\n')) take(line)
  const over = new AbortController()
  const question = (): Promise<void> => ask([...known.keys()])
  await question()
  const asks = every(clock, ASK_MS, over.signal, question)
  return {
    close: async () => {
      over.abort()
      await Promise.all([program.close(clock), asks])
    },
  }
}

async function run(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(PROGRAM, [...args], { timeout: ANSWER_MS })
  return stdout
}

async function requireInterface(iface: string): Promise<void> {
  try {
    await run(['link', 'show', 'dev', iface])
  } catch (cause) {
    if (/ENOENT/.test(messageOf(cause))) {
      const hint = 'sudo apt install iproute2'
      throw new TransportError('transport-unavailable', 'the program ip is not installed', { hint, cause })
    }
    const hint = 'ip link shows the interfaces of this machine'
    throw new TransportError('transport-absent', `there is no interface ${iface}`, { hint, cause })
  }
}

/** Sends each neighbour a datagram that nobody reads. */
async function ask(addresses: readonly string[]): Promise<void> {
  const socketOf = { 4: createSocket('udp4'), 6: createSocket('udp6') }
  const sent = addresses.map((address) => {
    const version = isIP(address)
    if (version !== 4 && version !== 6) return Promise.resolve()
    return new Promise<void>((resolve) =>
      socketOf[version].send(Buffer.from([0]), DISCARD_PORT, address, () => resolve()),
    )
  })
  for (const socket of Object.values(socketOf)) socket.on('error', () => undefined)
  await Promise.all(sent)
  for (const socket of Object.values(socketOf)) socket.close()
}
