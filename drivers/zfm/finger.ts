/** Looking at the sensor: is there a finger, and whose? */
import { ProtocolError } from '../../src/driver.js'
import { CODE, COMMAND, slotFound } from './codec.js'
import { refusal, SEARCH_MS, type Answer, type Sensor } from './sensor.js'

export type Look = 'none' | 'finger' | 'poor'

/** One look. Whatever lies there that is no image is `poor`. */
export async function look(sensor: Sensor): Promise<Look> {
  const { code } = await sensor.ask(COMMAND.captureImage)
  switch (code) {
    case CODE.ok:
      return 'finger'
    case CODE.noFinger:
      return 'none'
    case CODE.captureFailed:
    case CODE.poor:
      return 'poor'
    default:
      throw refusal('taking an image', code)
  }
}

/** Turns the image into features in a buffer; false when it is too poor for that. */
export async function extract(sensor: Sensor, buffer: number): Promise<boolean> {
  const { code } = await sensor.ask(COMMAND.extractFeatures(buffer))
  if (code === CODE.ok) return true
  if (code === CODE.poor || code === CODE.disordered || code === CODE.noImage) return false
  throw refusal('reading the image', code)
}

export interface Match extends Answer {
  /** Undefined: nobody's. */
  readonly slot: number | undefined
}

/** Whose features are in buffer 1? Must follow `extract` directly: an image in between makes it find nothing. [ZFM, corrections] */
export async function search(sensor: Sensor, capacity: number): Promise<Match> {
  const answer = await sensor.ask(COMMAND.search(1, capacity), { ms: SEARCH_MS })
  if (answer.code === CODE.ok) return { ...answer, slot: existing(answer.payload, capacity) }
  // A page number may stand there all the same: only the code tells.
  if (answer.code === CODE.notFound) return { ...answer, slot: undefined }
  throw refusal('the search', answer.code)
}

/**
 * The sum was right, and yet it may be no answer to this question: a late "done" to the one before names no slot at all,
 * and must not be taken for slot 0.
 */
function existing(payload: Uint8Array, capacity: number): number {
  const slot = slotFound(payload)
  if (slot === undefined) throw new ProtocolError('protocol-broken', 'the fingerprint module answers another question')
  if (slot < capacity) return slot
  throw new ProtocolError('protocol-broken', `the fingerprint module names slot ${slot}, and has ${capacity}`, {
    hint: 'switch it off and on; if options.capacity is set, compare it with the data sheet of the module',
  })
}
