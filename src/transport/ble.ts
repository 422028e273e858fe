import type { Opened, OpenContext, TransportUrl } from './url.js'
export async function openBle(_url: Extract<TransportUrl, { scheme: 'ble' }>, _context: OpenContext): Promise<Opened> {
  throw new Error('soon')
}
