/** Reads the alert stream of a terminal, for those that cannot push to us. [FACE A3] */
import { DeviceError, TransportError, type HttpAnswer } from '../../src/driver.js'
import type { Client } from './client.js'
import { boundaryOf, PartDecoder } from './codec.js'
import type { Session } from './config.js'
import { messageIn } from './event.js'
import type { Terminal } from './terminal.js'

/** Idle terminals send something every ten seconds. [FACE A3] */
const SILENT_MS = 60_000
const FIRST_PAUSE_MS = 1_000
const LAST_PAUSE_MS = 60_000
/** While the terminal is away, or lets nobody in. */
const WAIT_MS = 1_000

/** Until `over`. Rejects only for a bug. */
export async function followStream(session: Session, terminal: Terminal, over: AbortSignal): Promise<void> {
  const { client } = terminal
  if (!client) return
  const { clock } = session
  let pauseMs = FIRST_PAUSE_MS
  while (!over.aborted) {
    // Who it is, is asked first: one wrong login is enough.
    if (!terminal.isUp) {
      await clock.sleep(WAIT_MS, over)
      continue
    }
    const heard = await once(session, terminal, client)
    if (over.aborted) return
    // There is no replay: what came meanwhile stands in its log only.
    terminal.askSoon()
    pauseMs = heard ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LAST_PAUSE_MS)
    await clock.sleep(pauseMs, over)
  }
}

/** One connection, to its end. True when something came. */
async function once(session: Session, terminal: Terminal, client: Client): Promise<boolean> {
  let heard = false
  try {
    const path = '/ISAPI/Event/notification/alertStream'
    const answer = await client.open({ method: 'GET', path, silentMs: SILENT_MS })
    terminal.askSoon()
    for await (const isGood of read(session, terminal, answer)) heard ||= isGood
  } catch (error) {
    if (!(error instanceof TransportError || error instanceof DeviceError)) throw error
    session.log.debug('Alert stream ended', { host: client.host, reason: error.message })
  }
  return heard
}

async function* read(session: Session, terminal: Terminal, answer: HttpAnswer): AsyncGenerator<boolean> {
  const decoder = new PartDecoder(boundaryOf(answer.headers['content-type'] ?? '') ?? 'boundary')
  for await (const { bytes, arrived } of answer.chunks) {
    const { texts, bad, discarded } = decoder.push(bytes)
    if (bad > 0) {
      session.count('badFrames', bad)
      terminal.askSoon()
    }
    if (discarded > 0) session.count('discardedBytes', discarded)
    for (const text of texts) {
      const message = messageIn(text)
      session.count(message ? 'goodFrames' : 'badFrames')
      // Nobody resends: a record that was not stored is fetched from the log.
      if (message && !(await terminal.take(message, arrived))) terminal.askSoon()
      yield message !== undefined
    }
  }
}
