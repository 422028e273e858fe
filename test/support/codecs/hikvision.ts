import { PartDecoder } from '../../../drivers/hikvision/codec.js'
import { messageIn } from '../../../drivers/hikvision/event.js'
import { standsInOrder, type Codec } from './codec.js'

export const hikvision: Codec = {
  driver: 'hikvision',
  maxHeld: 64 * 1024,
  open: () => {
    // As the stream has it, with parts that never end; and as bodies have it, one after the other.
    const decoders = [new PartDecoder('MIME_boundary'), new PartDecoder()]
    return {
      feed: (piece) =>
        decoders.flatMap((decoder) =>
          decoder.push(piece).texts.flatMap((text) => {
            const record = messageIn(text)?.record
            return record ? [record.employee, record.card].filter((value) => value !== '') : []
          }),
        ),
      get held() {
        return Math.max(...decoders.map(({ held }) => held))
      },
    }
  },
  // There is no check on the wire but that of TCP: the number must stand there, escapes between its characters.
  bears: standsInOrder,
}
