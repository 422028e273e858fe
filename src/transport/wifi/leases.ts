/** Devices that were given an address, by the lease file of dnsmasq or Kea. Arrivals are good, departures late. [WIFI §2] */
import { readFile, stat } from 'node:fs/promises'
import { every } from '../../clock.js'
import { messageOf, TransportError } from '../../errors.js'
import type { OpenContext } from '../url.js'
import { addressOf, type Newsroom } from './news.js'
import type { Source, WifiUrl } from './source.js'

const DNSMASQ = '/var/lib/misc/dnsmasq.leases'
/** Both write rarely; a stat costs nothing, and works on every file system. */
const LOOK_MS = 1_000
/** Files are rewritten in place: half of one must not send everybody home. */
const SETTLE_MS = 200
const MOST_BYTES = 8 * 1024 * 1024

/** One device and until when it holds its address, seconds since 1970; 0: for ever. */
export interface Lease {
  readonly address: string
  readonly until: number
}

export async function openLeases({ path = DNSMASQ }: WifiUrl, context: OpenContext, room: Newsroom): Promise<Source> {
  const { clock } = context
  const reader = new LeaseReader(path, context, room)
  await reader.look()
  if (room.failure) throw room.failure
  const over = new AbortController()
  const looks = every(clock, LOOK_MS, over.signal, () => reader.look())
  return {
    close: async () => {
      over.abort()
      await looks
    },
  }
}

class LeaseReader {
  readonly #path: string
  readonly #context: OpenContext
  readonly #room: Newsroom
  #known = new Map<string, number>()
  #seen = ''

  constructor(path: string, context: OpenContext, room: Newsroom) {
    this.#path = path
    this.#context = context
    this.#room = room
  }

  async look(): Promise<void> {
    try {
      const mark = await markOf(this.#path)
      // A lease ends without a word in the file.
      if (mark === this.#seen && !this.#hasEnded()) return
      if (this.#seen !== '' && mark !== this.#seen) await this.#context.clock.sleep(SETTLE_MS)
      this.#take(leasesIn(await readFile(this.#path, 'utf8')))
      this.#seen = mark
    } catch (cause) {
      const hint = 'does it exist, and may this user read it? path=… in the transport names another file'
      this.#room.fail(
        new TransportError('transport-absent', `leases cannot be read: ${messageOf(cause)}`, { hint, cause }),
      )
    }
  }

  #take(leases: readonly Lease[]): void {
    const now = this.#nowS()
    const current = new Map(leases.filter(({ until }) => until === 0 || until > now).map(({ address, until }) => [address, until])) // prettier-ignore
    for (const [address, until] of current) {
      const before = this.#known.get(address)
      if (before === undefined) this.#room.tell({ kind: 'joined', address })
      else if (until > before) this.#room.tell({ kind: 'heard', address })
    }
    this.#room.tell({ kind: 'listed', addresses: [...current.keys()] })
    this.#known = current
  }

  #hasEnded(): boolean {
    const now = this.#nowS()
    return [...this.#known.values()].some((until) => until !== 0 && until <= now)
  }

  #nowS(): number {
    return this.#context.clock.now().wall / 1_000
  }
}

async function markOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path)
  if (size > MOST_BYTES) throw new Error(`${path} is larger than ${MOST_BYTES} bytes`)
  return `${ino} ${mtimeMs} ${size}`
}

/** Reads either form; lines that are no lease are nothing. */
export function leasesIn(text: string): Lease[] {
  const lines = text.split(/\r?\n/)
  return lines[0]?.startsWith('address,hwaddr') === true ? keaLeases(lines) : lines.flatMap(dnsmasqLease)
}

/** `1767618000 da:a1:19:00:11:22 192.168.1.50 pixel-7 01:da:…`; the part for IPv6 begins with `duid` and has no such address. */
function dnsmasqLease(line: string): Lease[] {
  const [until = '', written] = line.split(' ')
  // An address of another kind of network has its number before it: 06-…
  const address = addressOf(written?.replace(/^\d{2}-/, ''))
  return address !== undefined && /^\d{1,12}$/.test(until) ? [{ address, until: Number(until) }] : []
}

/** A table with a heading; the newest line of an internet address counts, and state 0 is in use. */
function keaLeases([heading = '', ...lines]: readonly string[]): Lease[] {
  const names = heading.split(',')
  const column = (name: string): number => names.indexOf(name)
  const newest = new Map<string, string[]>()
  for (const line of lines) {
    const fields = line.split(',')
    if (fields.length >= names.length - 1) newest.set(fields[column('address')] ?? '', fields)
  }
  return [...newest.values()].flatMap((fields) => {
    const address = addressOf(fields[column('hwaddr')])
    const until = Number(fields[column('expire')])
    const isInUse = fields[column('state')] === '0' && fields[column('valid_lifetime')] !== '0'
    return address !== undefined && isInUse && Number.isFinite(until) ? [{ address, until }] : []
  })
}
