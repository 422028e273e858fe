/** Codecs with one fault each: the fuzz must find it, or it finds nothing. Inputs are those of rdm6300. */
import type { Codec } from './codec.js'
import { rdm6300 } from './rdm6300.js'

function faulty(open: Codec['open']): Codec {
  return { ...rdm6300, open }
}

/** Something that random bytes hardly ever hold, and mutated vectors often do. */
function isTwice(piece: Uint8Array): boolean {
  return piece.filter((byte) => byte === 0x02).length > 1 && piece.includes(0x03)
}

export const FAULTY: Readonly<Record<'throws' | 'hangs' | 'hoards' | 'invents' | 'crawls', Codec>> = {
  throws: faulty(() => ({
    held: 0,
    feed: (piece) => {
      if (isTwice(piece)) throw new RangeError('offset out of bounds')
      return []
    },
  })),
  hangs: faulty(() => ({
    held: 0,
    feed: (piece) => {
      for (let at = 0; isTwice(piece);) at = piece.indexOf(0x02, at) & 1
      return []
    },
  })),
  hoards: faulty(() => {
    let held = 0
    return {
      get held() {
        return held
      },
      feed: (piece) => {
        held += piece.length
        return []
      },
    }
  }),
  /** Takes the number of a frame without looking at its checksum. */
  invents: faulty(() => ({
    held: 0,
    feed: (piece) => /\x02([0-9A-F]{10})/.exec(Buffer.from(piece).toString('latin1'))?.slice(1) ?? [],
  })),
  crawls: faulty(() => ({
    held: 0,
    feed: (piece) => {
      const until = performance.now() + 60
      while (isTwice(piece) && performance.now() < until);
      return []
    },
  })),
}
