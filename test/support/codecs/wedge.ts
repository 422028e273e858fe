import { EventDecoder } from '../../../drivers/wedge/codec.js'
import { Typing } from '../../../drivers/wedge/typing.js'
import type { Codec } from './codec.js'

const EVENT_BYTES = 24

export const wedge: Codec = {
  driver: 'wedge',
  maxHeld: 2 * EVENT_BYTES - 1 + 64,
  open: () => {
    const decoder = new EventDecoder(EVENT_BYTES)
    const typing = new Typing({ end: 'enter', timeoutMs: 500, most: 64 })
    return {
      feed: (piece) =>
        decoder.push(piece).events.flatMap((event) => {
          const outcome = typing.take(event)
          return outcome !== undefined && 'text' in outcome ? [outcome.text] : []
        }),
      get held() {
        return decoder.held + typing.held
      },
    }
  },
  // Keys have no check. Each character took an event, and Enter one more.
  bears: (bytes, claim) => bytes.length >= (claim.length + 1) * EVENT_BYTES,
}
