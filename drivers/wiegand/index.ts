/** Wiegand readers: through converters that write a line for each card, or on two GPIO lines. */
import { Inbox, type Driver } from '../../src/driver.js'
import { Burst, edgeOf, LineDecoder } from './codec.js'
import { fields } from './config.js'
import { Door, type Session } from './door.js'

export const driver: Driver<typeof fields, 'bytes'> = {
  name: 'wiegand',
  title: 'Wiegand readers and keypads, by a converter or on GPIO',
  transport: 'bytes',
  schemes: ['serial', 'tcp', 'gpio'],
  options: fields,

  async run(session) {
    // Wiegand knows no way back: the reader cannot be asked.
    session.ready({ model: session.scheme === 'gpio' ? 'Wiegand on GPIO' : 'Wiegand converter' })
    const decoder = new LineDecoder()
    const decode = (bytes: Uint8Array): readonly string[] => {
      const { lines, discarded } = decoder.push(bytes)
      if (discarded > 0) session.count('discardedBytes', discarded)
      return lines
    }
    const { transport, clock, signal } = session
    const inbox = new Inbox({ transport, clock, signal, decode, keepsAll: true })
    const door = new Door(session)
    if (session.scheme === 'gpio') await takeEdges(session, inbox, door)
    else await takeLines(inbox, door)
    await inbox.ended()
  },
}

async function takeLines(inbox: Inbox<string>, door: Door): Promise<void> {
  while (!inbox.isOver) {
    const received = await inbox.next()
    if (received) await door.line(received.frame, received.arrived)
  }
}

/** The timestamps are the kernel's; only the end of the last burst needs a timer. */
async function takeEdges(session: Session, inbox: Inbox<string>, door: Door): Promise<void> {
  const { config } = session
  const burst = new Burst(config.gap)
  let last: Awaited<ReturnType<typeof inbox.next>>
  while (!inbox.isOver) {
    const received = await inbox.next(burst.bits > 0 ? config.gap : undefined)
    const edge = received && edgeOf(received.frame)
    if (received && !edge) session.count('badFrames')
    const ended = edge ? burst.push(edge) : received ? undefined : { ended: burst.end(), glitch: false }
    if (ended?.glitch === true) session.count('badFrames')
    if (ended?.ended && last) await door.bits(ended.ended, last.arrived)
    last = received ?? last
  }
}
