/** A driver on a real byte transport, and whether socat is there to make one. */
import { spawnSync } from 'node:child_process'
import { fields } from '../../drivers/rdm6300/config.js'
import { driver } from '../../drivers/rdm6300/index.js'
import { SystemClock } from '../../src/clock.js'
import type { ByteTransport, Clock } from '../../src/driver.js'
import { openTransport } from '../../src/transport/open.js'
import { parseTransportUrl, type OpenContext } from '../../src/transport/url.js'
import { optionDefaults, RecordingLogger, RecordingSession } from './session.js'

export const clock = new SystemClock()

export function hasSocat(): boolean {
  return spawnSync('socat', ['-V']).status === 0
}

/** Opens a URL of a byte stream as the supervisor would. */
export async function openBytes(
  written: string,
  context: Partial<OpenContext> = {},
): Promise<{ readonly transport: ByteTransport; readonly close: () => Promise<void> }> {
  const url = parseTransportUrl(written)
  if ('problem' in url) throw new Error(url.problem)
  const signal = new AbortController().signal
  const opened = await openTransport(url, { clock, signal, log: new RecordingLogger(), ...context })
  if (opened.kind !== 'bytes') throw new Error('not a byte stream')
  return { transport: opened.transport, close: () => opened.close() }
}

/** Runs the RDM6300 driver on a transport. `done` settles as the run does; `ended()` tells whether it has. */
export function runRdm6300(transport: ByteTransport, signal: AbortSignal, at: Clock = clock) {
  const config = optionDefaults(fields)
  const session = new RecordingSession<typeof config, 'bytes'>({ config, transport, clock: at, signal })
  const done = driver.run(session)
  let over = false
  const end = (): void => void (over = true)
  done.then(end, end) // A rejection is looked at later by the test.
  return { session, done, ended: () => over }
}
