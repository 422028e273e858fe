/** Access points around, by node-wifi: badges that are access points, and what the site sounds like. [WIFI §1] */
import { every } from '../../clock.js'
import { TransportError } from '../../errors.js'
import { isRecord } from '../host/wire.js'
import { Host } from '../host/host.js'
import type { OpenContext } from '../url.js'
import { addressOf, type Newsroom } from './news.js'
import type { Source, WifiUrl } from './source.js'

const CHILD = new URL('../host/wifi-child.js', import.meta.url)
/** NetworkManager itself looks at most so often. */
const LOOK_MS = 30_000
const ANSWER_MS = 25_000
const MEMORY_MB = 64

export async function openScan({ iface }: WifiUrl, { clock, log }: OpenContext, room: Newsroom): Promise<Source> {
  const host = await Host.start({
    name: 'wifi',
    program: CHILD,
    log,
    limits: { requestMs: ANSWER_MS, memoryMb: MEMORY_MB },
    onEvent: () => undefined,
    onLost: (error) => room.fail(error),
  })
  const look = async (): Promise<void> => {
    const found: unknown = await host.request('scan', { iface })
    for (const news of networksIn(found)) room.tell({ kind: 'heard', ...news })
  }
  try {
    await look()
  } catch (error) {
    await host.close()
    throw error
  }
  const over = new AbortController()
  const looks = every(clock, LOOK_MS, over.signal, () => look().catch((error: unknown) => room.fail(lost(error))))
  return {
    close: async () => {
      over.abort()
      await host.close()
      await looks
    },
  }
}

function lost(error: unknown): TransportError {
  return error instanceof TransportError ? error : new TransportError('transport-lost', 'no networks are told any more', { cause: error }) // prettier-ignore
}

/** What node-wifi gives, as far as it is of use. */
export function networksIn(found: unknown): { address: string; rssiDbm: number }[] {
  if (!Array.isArray(found)) return []
  return found.flatMap((network: unknown) => {
    if (!isRecord(network)) return []
    const address = addressOf(typeof network['bssid'] === 'string' ? network['bssid'] : undefined)
    const rssiDbm = Math.round(Number(network['signal_level']))
    return address !== undefined && rssiDbm < 0 && rssiDbm >= -127 ? [{ address, rssiDbm }] : []
  })
}
