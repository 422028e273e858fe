/** `gpio:`: the edges on two lines, as the program gpiomon prints them. */
import { TransportError } from '../errors.js'
import type { Opened, OpenContext, TransportUrl } from './url.js'

export function openGpio({ chip }: Extract<TransportUrl, { scheme: 'gpio' }>, _context: OpenContext): Promise<Opened> {
  return Promise.reject(new TransportError('transport-absent', `${chip} cannot be opened yet`))
}
