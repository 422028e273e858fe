/** `wifi:IFACE?source=…`: stations of a network as the system tells about them. */
import type { Opened, OpenContext, TransportUrl, WifiSource } from './url.js'
import { Newsroom } from './wifi/news.js'
import type { Source, WifiUrl } from './wifi/source.js'

type WifiOpened = Extract<Opened, { kind: 'station' }>
type OpenSource = (url: WifiUrl, context: OpenContext, room: Newsroom) => Promise<Source>

const SOURCES: Readonly<Record<WifiSource, () => Promise<OpenSource>>> = {
  scan: async () => (await import('./wifi/scan.js')).openScan,
  hostapd: async () => (await import('./wifi/hostapd.js')).openHostapd,
  neigh: async () => (await import('./wifi/neigh.js')).openNeigh,
  leases: async () => (await import('./wifi/leases.js')).openLeases,
}

export async function openWifi(
  url: Extract<TransportUrl, { scheme: 'wifi' }>,
  context: OpenContext,
): Promise<WifiOpened> {
  const room = new Newsroom(url.source, context)
  try {
    const source = await (await SOURCES[url.source]())(url, context, room)
    const close = async (): Promise<void> => {
      room.close()
      await source.close()
    }
    if (room.failure) {
      await close()
      throw room.failure
    }
    return { kind: 'station', transport: room, close }
  } catch (error) {
    room.close()
    throw error
  }
}
