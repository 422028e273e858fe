/** The lines of a file, one at a time: an export may be larger than the memory. */
import { closeSync, openSync, readSync } from 'node:fs'
import { MOST_BYTES } from './line.js'

const CHUNK = 1 << 16
const NEWLINE = 0x0a

/** Without their ends. Of a line that is too long for a record one byte more than allowed is given, never all of it. */
export function* linesOf(file: string): Generator<Buffer> {
  const fd = openSync(file, 'r')
  try {
    let kept: Buffer[] = []
    let size = 0
    const keep = (part: Buffer): void => {
      if (size <= MOST_BYTES) kept.push(Buffer.from(part.subarray(0, MOST_BYTES + 1 - size)))
      size += part.length
    }
    const chunk = Buffer.alloc(CHUNK)
    for (;;) {
      const read = readSync(fd, chunk, 0, CHUNK, null)
      if (read === 0) break
      let begin = 0
      for (;;) {
        const end = chunk.subarray(0, read).indexOf(NEWLINE, begin)
        keep(chunk.subarray(begin, end < 0 ? read : end))
        if (end < 0) break
        yield Buffer.concat(kept)
        kept = []
        size = 0
        begin = end + 1
      }
    }
    if (size > 0) yield Buffer.concat(kept)
  } finally {
    closeSync(fd)
  }
}
