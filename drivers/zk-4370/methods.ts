/** By which sense a record was taken. [ZK-PUSH §4, verify codes] */
import type { Method } from '../../src/driver.js'
import type { Config } from './config.js'

/** Old firmware has three codes of its own. */
const OLD: Readonly<Record<number, Method>> = { 0: 'pin', 1: 'fingerprint', 2: 'card' }
const CARD = new Set([4, 7, 11])
const PIN = new Set([2, 3])
const FACE = new Set([15, 16, 17, 18, 19, 20, 27, 29])

/** Of combinations the one that is hardest to lend counts. Palms and veins are taken for fingers: no method names them. */
export function methodOf(verify: number, codes: Config['verifyCodes']): Method {
  const old = codes === 'old' ? OLD[verify] : undefined
  if (old !== undefined) return old
  if (CARD.has(verify)) return 'card'
  if (PIN.has(verify)) return 'pin'
  return FACE.has(verify) ? 'face' : 'fingerprint'
}
