/** Faults that are planted in the gateway: a harness that does not find each of them proves nothing. */
import { openWindows, RepeatWindows } from '../../src/windows.js'

export const PLANTED = {
  'green-before-commit': 'shows green before the punch is stored',
  'settled-before-puback': 'takes a record for delivered when it was only sent',
  'sliding-window': 'begins the repeat window anew with each repeat',
  'wall-for-uptime': 'measures windows by the wall clock',
  'lax-sync': 'stores with synchronous=NORMAL',
} as const
export type Planted = keyof typeof PLANTED

/** Plants what lies in the policy; returns what takes it out again. The others lie in wires, network and disk. */
export function plant(planted: Planted | undefined): () => void {
  const { prototype } = RepeatWindows
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its object below
  const { opener } = prototype
  if (planted === 'sliding-window') {
    prototype.opener = function (passing, time, opened) {
      const first = opener.call(this, passing, time, opened)
      if (first) openWindows(passing, { ...first, moment: time.moment }, opened)
      return first
    }
  }
  if (planted === 'wall-for-uptime') {
    prototype.opener = function (passing, time, opened) {
      // Of another boot only the wall clock can be compared.
      return opener.call(this, passing, { ...time, moment: { ...time.moment, boot: 'another' } }, opened)
    }
  }
  return () => void (prototype.opener = opener)
}
