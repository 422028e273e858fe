import { attendanceRow, doorEvent, linesOf, operationIn, resultsIn } from '../../../drivers/zk-push/codec.js'
import type { Codec } from './codec.js'

export const zkPush: Codec = {
  driver: 'zk-push',
  maxHeld: 0,
  // A body is taken whole or not at all.
  whole: true,
  open: () => ({
    held: 0,
    feed: (body) => {
      resultsIn(body)
      return linesOf(body).flatMap((line) => {
        operationIn(line)
        const door = doorEvent(line)
        const row = attendanceRow(line)
        return [...(row ? [`${row.user}\t${row.local}`] : []), ...(door ? [door.local] : [])]
      })
    },
  }),
  // TCP has checked it: the text must stand there.
  bears: (bytes, claim) => Buffer.from(bytes).toString('latin1').includes(claim),
}
