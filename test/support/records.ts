/** Moments, drafts and reports for tests of the journal and of what stands around it. */
import type { Report } from '../../src/attendance.js'
import type { Journal } from '../../src/journal/journal.js'
import { type Draft, type Identity } from '../../src/journal/journal.js'
import type { Json } from '../../src/journal/canonical.js'
import type { Credential, Direction, Moment } from '../../src/model.js'

export const IDENTITY: Identity = { site: 'hq', gateway: 'gw-01', offsets: [[0, 60]] }
/** 2026-11-23 07:00:00 UTC. */
export const WALL = Date.UTC(2026, 10, 23, 7)

/** So many milliseconds after boot, on a clock that was set. */
export function momentAt(uptime: number, over: Partial<Moment> = {}): Moment {
  return { wall: WALL + uptime, uptime, boot: 'boot-1', state: 'synced', errorMs: 20, ...over }
}

export function punchDraft(value: string, uptime = 0, fields: Record<string, Json> = {}): Draft {
  const credential = { type: 'card', value, scope: 'global' }
  return { kind: 'punch', channel: 'gate', moment: momentAt(uptime), fields: { reader: 'gate', credential, ...fields } }
}

export function auditDraft(type: string, uptime = 0): Draft {
  return { kind: 'audit', channel: type, moment: momentAt(uptime), fields: { reader: null, type, subject: 'x' } }
}

export interface ReportParts {
  readonly reader: string
  readonly place: string
  readonly direction: Direction
  readonly moment: Moment
  readonly credential: Partial<Credential>
}

/** A card at a reader. */
export function cardReport(value: string, uptime = 0, over: Partial<ReportParts> = {}): Report {
  const { reader = 'gate', place = 'gate', direction = 'in', moment = momentAt(uptime) } = over
  const credential: Credential = { type: 'card', value, scope: 'global', ...over.credential }
  return {
    origin: { reader, place, direction, driver: 'rdm6300', sim: false },
    sighting: { credential, method: 'card', arrived: moment },
  }
}

/** The stored records as objects, oldest first. */
export function storedRecords(journal: Journal, after = 0): Record<string, unknown>[] {
  return journal
    .tail(after, 1_000_000)
    .records.map(({ body }) => JSON.parse(`${body.toString()}}`) as Record<string, unknown>)
}

/** Appends `count` punches in one commit. */
export function fill(journal: Journal, count: number): void {
  journal.append(Array.from({ length: count }, (_, index) => punchDraft(index.toString(16).padStart(10, '0'), index)))
}
