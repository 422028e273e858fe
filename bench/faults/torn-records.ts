/** The records that the torn disk is filled with. */
import type { Draft, Identity } from '../../src/journal/journal.js'

export const IDENTITY: Identity = { site: 'bench', gateway: 'gw', offsets: [[0, 60]] }
const WALL = Date.UTC(2026, 10, 23, 7)

export function punchDraftOf(commit: number, index: number): Draft {
  const uptime = commit * 1_000 + index
  const value = (commit * 16 + index).toString(16).toUpperCase().padStart(10, '0')
  return {
    kind: 'punch',
    channel: 'gate',
    moment: { wall: WALL + uptime, uptime, boot: 'boot-1', state: 'synced', errorMs: 20 },
    fields: {
      reader: 'gate',
      place: 'gate',
      credential: { type: 'card', value, scope: 'global' },
      verdict: 'accepted',
    },
  }
}
