import { FrameDecoder } from '../../../drivers/pn532/codec.js'
import { firmwareIn, type Technology } from '../../../drivers/pn532/commands.js'
import { targetsIn } from '../../../drivers/pn532/targets.js'
import { hexOf, places, sumOf, type Codec } from './codec.js'

const TECHNOLOGIES: readonly Technology[] = ['a', 'b', 'felica212', 'felica424']

export const pn532: Codec = {
  driver: 'pn532',
  maxHeld: 272,
  open: () => {
    const decoder = new FrameDecoder()
    return {
      feed: (piece) => decoder.push(piece).frames.flatMap((frame) => (frame.kind === 'data' ? claims(frame.data) : [])),
      get held() {
        return decoder.held
      },
    }
  },
  bears: (bytes, claim) => {
    for (const place of places(bytes)) {
      const content = contentAt(place)
      if (content && hexOf(content).includes(claim)) return true
    }
    return false
  },
}

function claims(data: Uint8Array): string[] {
  firmwareIn(data)
  const targets = TECHNOLOGIES.flatMap((technology) => targetsIn(data, technology) ?? [])
  return [hexOf(data), ...targets.flatMap((target) => (target.kind === 'card' ? [target.value] : []))]
}

/** 00 FF, length and its complement (or FF FF, two bytes of length and their complement), D5 …, a sum of zero. */
function contentAt(place: Uint8Array): Uint8Array | undefined {
  if (place[0] !== 0x00 || place[1] !== 0xff) return undefined
  const isExtended = place[2] === 0xff && place[3] === 0xff
  const head = isExtended ? place.subarray(4, 7) : place.subarray(2, 4)
  if (sumOf(head) % 256 !== 0) return undefined
  const length = isExtended ? (head[0] ?? 0) * 256 + (head[1] ?? 0) : (head[0] ?? 0)
  const from = isExtended ? 7 : 4
  const checked = place.subarray(from, from + length + 1)
  if (checked.length !== length + 1 || checked[0] !== 0xd5 || sumOf(checked) % 256 !== 0) return undefined
  return checked.subarray(1, -1)
}
