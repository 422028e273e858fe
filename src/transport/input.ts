/** `input:`: the events of a keyboard-like device, as the kernel gives them. */
import { TransportError } from '../errors.js'
import type { Opened, OpenContext, TransportUrl } from './url.js'

export function openInput(
  { path }: Extract<TransportUrl, { scheme: 'input' }>,
  _context: OpenContext,
): Promise<Opened> {
  return Promise.reject(new TransportError('transport-absent', `${path} cannot be opened yet`))
}
