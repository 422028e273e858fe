/** Every codec behind one face, for the fuzz chapter: bytes in, what it believed out. */
import { checkFits } from '../../simulators/osdp-wire.js'
import { FrameDecoder as PnDecoder, targetsIn } from '../../drivers/pn532/codec.js'
import { cardKind, parseUid } from '../../drivers/pcsc/codec.js'
import { FrameDecoder as RdmDecoder } from '../../drivers/rdm6300/codec.js'
import { charactersIn, identityIn, keysIn, rawBits, ReplyDecoder, capabilitiesIn } from '../../drivers/osdp/codec.js'
import { asciiOf, PacketDecoder, parametersIn, productIn, slotsIn } from '../../drivers/zfm/codec.js'
import { ScanDecoder } from '../../drivers/qr/codec.js'
import { parseToken } from '../../drivers/qr/token.js'
import { EventDecoder } from '../../drivers/wedge/codec.js'
import { Typing } from '../../drivers/wedge/typing.js'
import { Burst, edgeOf, LineDecoder } from '../../drivers/wiegand/codec.js'

export interface Codec {
  readonly driver: string
  /** Most bytes it may ever hold. */
  readonly maxHeld: number
  /**
   * Does this frame stand in these bytes with a right check? Computed from the datasheet, not by the driver. Absent
   * where the wire has none.
   */
  readonly proof?: (heard: Buffer, frame: string) => boolean
  /** A fresh decoder. `push` returns the frames it believed, each as the bytes or text that its check covers. */
  make(): { push(bytes: Uint8Array): readonly string[]; readonly held: number }
}

/** Everywhere that these bytes stand, with room for a header before them. */
function places(heard: Buffer, wanted: Buffer, room = 9): number[] {
  const found: number[] = []
  for (let at = heard.indexOf(wanted); at !== -1; at = heard.indexOf(wanted, at + 1)) if (at >= room) found.push(at)
  return found
}

/** Reading must not throw, whatever came out; what it gives is no matter here. */
function read(...results: readonly unknown[]): void {
  if (results.length === 0) throw new Error('nothing was read')
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export const CODECS: readonly Codec[] = [
  {
    driver: 'rdm6300',
    maxHeld: 16,
    proof: (heard, tag) =>
      [...heard.toString('latin1').matchAll(/\x02(?=([0-9A-Fa-f]{12})(\r\n)?\x03)/g)].some(
        ([, digits = '']) =>
          digits.toUpperCase().startsWith(tag) && Buffer.from(digits, 'hex').reduce((sum, byte) => sum ^ byte, 0) === 0,
      ),
    make: () => {
      const decoder = new RdmDecoder()
      return { push: (bytes) => decoder.push(bytes).cards, get held() { return decoder.held } } // prettier-ignore
    },
  },
  {
    driver: 'zfm',
    maxHeld: 267,
    proof: (heard, payload) =>
      places(heard, Buffer.from(payload, 'hex')).some((at) => {
        const end = at + payload.length / 2
        const sum = heard.subarray(at - 3, end).reduce((total, byte) => total + byte, 0) % 65_536
        return (
          heard.subarray(at - 9, at - 3).toString('hex') === 'ef01ffffffff' &&
          heard.readUInt16BE(at - 2) === end - at + 2 &&
          end + 2 <= heard.length &&
          heard.readUInt16BE(end) === sum
        )
      }),
    make: () => {
      const decoder = new PacketDecoder(0xffff_ffff)
      const push = (bytes: Uint8Array): string[] =>
        decoder.push(bytes).packets.map(({ payload }) => {
          // Whatever came out must be readable as anything without a throw.
          read(parametersIn(payload), productIn(payload), slotsIn(payload, 3), asciiOf(payload))
          return hex(payload)
        })
      return { push, get held() { return decoder.held } } // prettier-ignore
    },
  },
  {
    driver: 'pn532',
    maxHeld: 280,
    proof: (heard, data) =>
      places(heard, Buffer.from(data, 'hex'), 5).some((at) => {
        const end = at + data.length / 2
        const sum = heard.subarray(at - 1, end + 1).reduce((total, byte) => total + byte, 0) % 256
        const length = end - at + 1
        const short =
          heard[at - 3] === length &&
          (heard[at - 2] ?? 0) === (256 - length) % 256 &&
          heard.subarray(at - 5, at - 3).toString('hex') === '00ff'
        const long =
          at >= 8 &&
          heard.subarray(at - 8, at - 4).toString('hex') === '00ffffff' &&
          heard.readUInt16BE(at - 4) === length
        return heard[at - 1] === 0xd5 && end < heard.length && sum === 0 && (short || long)
      }),
    make: () => {
      const decoder = new PnDecoder()
      const push = (bytes: Uint8Array): string[] =>
        decoder.push(bytes).frames.flatMap((frame) => {
          if (frame.kind !== 'data') return []
          read(targetsIn(frame.data, 'a'), targetsIn(frame.data, 'b'), targetsIn(frame.data, 'felica212'))
          return [hex(frame.data)]
        })
      return { push, get held() { return decoder.held } } // prettier-ignore
    },
  },
  {
    driver: 'osdp',
    maxHeld: 1_440,
    proof: (heard, signed) =>
      places(heard, Buffer.from(signed, 'hex'), 0).some((at) => {
        const packet = heard.subarray(at, at + heard.readUInt16LE(at + 2))
        return packet.length === heard.readUInt16LE(at + 2) && checkFits(packet)
      }),
    make: () => {
      const decoder = new ReplyDecoder()
      const push = (bytes: Uint8Array): string[] =>
        decoder.push(bytes).replies.map(({ id, data, signed }) => {
          read(rawBits(data), keysIn(data), charactersIn(data), identityIn(data), capabilitiesIn(data), id)
          return hex(signed)
        })
      return { push, get held() { return decoder.held } } // prettier-ignore
    },
  },
  {
    driver: 'wiegand',
    maxHeld: 160,
    make: () => {
      const decoder = new LineDecoder()
      const burst = new Burst(30)
      const push = (bytes: Uint8Array): readonly string[] => {
        const { lines } = decoder.push(bytes)
        for (const edge of lines.map(edgeOf)) if (edge) burst.push(edge)
        return lines
      }
      return { push, get held() { return decoder.held + burst.bits } } // prettier-ignore
    },
  },
  {
    driver: 'qr',
    maxHeld: 4_096 + 64,
    make: () => {
      const decoder = new ScanDecoder({ suffix: 'cr', replies: true, signed: true })
      const push = (bytes: Uint8Array): readonly string[] => {
        const { codes } = decoder.push(bytes)
        read(codes.map(parseToken))
        return codes
      }
      return { push, get held() { return decoder.held } } // prettier-ignore
    },
  },
  {
    driver: 'wedge',
    maxHeld: 47 + 64,
    make: () => {
      const decoder = new EventDecoder(24)
      const typing = new Typing({ end: 'enter', timeoutMs: 500, most: 64 })
      const push = (bytes: Uint8Array): readonly string[] =>
        decoder
          .push(bytes)
          .events.flatMap((event) =>
            [typing.take(event) ?? []].flat().flatMap((outcome) => ('text' in outcome ? [outcome.text] : [])),
          )
      return { push, get held() { return decoder.held + typing.held } } // prettier-ignore
    },
  },
  {
    driver: 'pcsc',
    maxHeld: 0,
    make: () => ({
      push: (bytes) => {
        const answer = parseUid(bytes)
        return [cardKind(bytes), answer.kind === 'uid' ? answer.value : '']
      },
      held: 0,
    }),
  },
]
