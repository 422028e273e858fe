import type { Opened, OpenContext, TransportUrl } from './url.js'
export async function openWifi(
  _url: Extract<TransportUrl, { scheme: 'wifi' }>,
  _context: OpenContext,
): Promise<Opened> {
  throw new Error('soon')
}
