/** Why a device is not up, and what a person can do about it. */
import type { PointTrouble } from '../../src/driver.js'
import type { Broken } from './channel.js'

export type Trouble = Broken | 'install-key' | 'bad-key'

export const TROUBLE: Readonly<Record<Trouble, PointTrouble>> = {
  silent: {
    code: 'point-silent',
    reason: 'the device does not answer',
    hint: 'check its power, the A and B wires, its address and the baud rate',
  },
  sequence: { code: 'point-silent', reason: 'the device lost the thread', hint: 'is there a second panel on the bus?' },
  refused: {
    code: 'point-refused',
    reason: 'the device refuses to be asked',
    hint: 'it may insist on a secure channel: set options.keySecret of the point',
  },
  forged: {
    code: 'point-forged',
    reason: 'a reply was not signed by the device',
    hint: 'look at the cable and the device: somebody may be at the wires',
  },
  'wrong-key': {
    code: 'point-key',
    reason: 'the device has another key',
    hint: 'set options.keySecret of the point to the key that was set in the device, or reset the device',
  },
  'no-channel': {
    code: 'point-key',
    reason: 'the device opens no secure channel',
    hint: 'it may not know one: without options.keySecret it is spoken to in the clear',
  },
  'install-key': {
    code: 'point-key',
    reason: 'its key is the public install key',
    hint: 'give the device a key of its own: punchd readers set-key, with options.installKey: allow meanwhile',
  },
  'bad-key': {
    code: 'point-key',
    reason: 'its keySecret is not 32 hex digits',
    hint: 'openssl rand -hex 16 makes a key',
  },
}
