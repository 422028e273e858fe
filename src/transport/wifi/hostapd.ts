/**
 * Stations of an access point on this machine, by hostapd's control socket. Node speaks no datagrams over Unix sockets,
 * so hostapd_cli of the same package does. [WIFI §2]
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { every } from '../../clock.js'
import { messageOf, TransportError } from '../../errors.js'
import { Program } from '../program.js'
import type { OpenContext } from '../url.js'
import { addressOf, type Newsroom, type Told } from './news.js'
import type { Source, WifiUrl } from './source.js'

const FOLDER = '/var/run/hostapd'
const PROGRAM = 'hostapd_cli'
/** A listing now and then: an event may be lost when nobody reads for a while. */
const LIST_MS = 60_000
const ANSWER_MS = 5_000
const ATTACH_MS = 300
const EVENT = /^(?:> )?(?:IFNAME=\S+ )?<\d>(AP-STA-CONNECTED|AP-STA-DISCONNECTED|CTRL-EVENT-TERMINATING)(?: (\S+))?/

export async function openHostapd(url: WifiUrl, context: OpenContext, room: Newsroom): Promise<Source> {
  const where = ['-p', url.path ?? FOLDER, '-i', url.iface]
  requireSocket(join(url.path ?? FOLDER, url.iface))
  const { clock } = context
  // Into a pipe it would keep its lines back until there are four kilobytes of them.
  const program = new Program(['stdbuf', '-oL', PROGRAM, ...where], {
    // It attaches by itself, and ends when nobody can type.
    input: true,
    onLine: (line) => take(line, url, room),
    onEnd: (words) => room.fail(lost(url, words)),
  })
  const over = new AbortController()
  const list = async (): Promise<void> => {
    const stations = await stationsOf(where).catch((cause: unknown) => room.fail(lost(url, messageOf(cause))))
    for (const news of stations ?? []) room.tell(news)
  }
  // It had time to attach: what connects in between is in both, and not in neither.
  await Promise.race([program.ended, clock.sleep(ATTACH_MS, context.signal)])
  await list()
  const lists = every(clock, LIST_MS, over.signal, list)
  return {
    close: async () => {
      over.abort()
      await Promise.all([program.close(clock), lists])
    },
  }
}

function requireSocket(socket: string): void {
  if (existsSync(socket)) return
  const hint =
    'is hostapd running, with ctrl_interface and ctrl_interface_group set? path=… in the transport names another folder'
  throw new TransportError('transport-absent', `hostapd has no control socket ${socket}`, { hint })
}

function take(line: string, url: WifiUrl, room: Newsroom): void {
  const [, event, written] = EVENT.exec(line) ?? []
  if (event === 'CTRL-EVENT-TERMINATING') room.fail(lost(url, 'it stops'))
  // What it prints while it looks for a hostapd that went away.
  if (/^(?:> )?Connection to hostapd lost|^Could not connect to hostapd/.test(line))
    room.fail(lost(url, 'it went away'))
  const address = addressOf(written)
  if (address === undefined) return
  room.tell(event === 'AP-STA-CONNECTED' ? { kind: 'joined', address } : { kind: 'parted', address })
}

/** Everybody who is connected, with strength where the driver of the radio tells it. */
async function stationsOf(where: readonly string[]): Promise<Told[]> {
  const { stdout } = await promisify(execFile)(PROGRAM, [...where, 'all_sta'], { timeout: ANSWER_MS })
  return stationsIn(stdout)
}

/** `all_sta` prints an address, then `key=value` lines of that station. */
export function stationsIn(text: string): Told[] {
  const news: Told[] = []
  const addresses: string[] = []
  for (const block of text.split(/\n(?=(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$)/im)) {
    const [first, ...rest] = block.split('\n')
    const address = addressOf(first?.trim())
    if (address === undefined || !rest.some((line) => /^flags=.*\[AUTHORIZED\]/.test(line))) continue
    const rssiDbm = Number(/^signal=(-\d{1,3})$/m.exec(block)?.[1] ?? Number.NaN)
    addresses.push(address)
    news.push({ kind: 'joined', address, ...(Number.isNaN(rssiDbm) ? {} : { rssiDbm }) })
  }
  return [...news, { kind: 'listed', addresses }]
}

function lost({ iface }: WifiUrl, words: string): TransportError {
  if (/ENOENT/.test(words)) {
    const hint = 'sudo apt install hostapd'
    return new TransportError('transport-unavailable', 'the program hostapd_cli is not installed', { hint })
  }
  if (/permission|EACCES|denied/i.test(words)) {
    const hint = 'set ctrl_interface_group=punchd in hostapd.conf and restart hostapd'
    return new TransportError('transport-denied', `no permission for the control socket of ${iface}`, { hint })
  }
  const hint = 'systemctl status hostapd; the reader comes back by itself'
  return new TransportError('transport-lost', `hostapd on ${iface} does not answer: ${words || 'it went away'}`, {
    hint,
  })
}
