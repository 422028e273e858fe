/** punchd itself: the real daemon, a reader and its light. */
import { join } from 'node:path'
import { programFile } from '../child.js'
import { WINDOW } from '../fixture.js'
import type { Peer } from './peer.js'
import { Program } from './program.js'

export const punchd: Peer = {
  name: 'punchd',
  settings: `defaults: one commit with fsync per punch, window ${WINDOW}; its records are larger: signed, with identity and clocks`,
  accepted: 'green light',
  version: 'this tree',
  start: ({ folder, upstreamPort }) =>
    Program.start('punchd', process.execPath, [
      programFile('peers/child-punchd'),
      'run',
      join(folder, 'data'),
      String(upstreamPort),
    ]),
}
