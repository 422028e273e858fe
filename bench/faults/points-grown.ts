/** A journal that has been in use: a people list, and records of yesterday that are to be sent, erased and forgotten. */
import { join } from 'node:path'
import { Attendance } from '../../src/attendance.js'
import { SystemClock } from '../../src/clock.js'
import { Journal } from '../../src/journal/journal.js'
import { IDENTITY } from '../fixture.js'
import { cardOfYesterday, DAY_MS, GATES, people, YESTERDAY } from './points-site.js'

export function growJournal(data: string): void {
  const journal = new Journal(join(data, 'journal.db'), IDENTITY)
  const now = new SystemClock().now()
  const attendance = new Attendance(journal, 1_000, now)
  // Of the boot before: its uptimes compare with nothing of today.
  const yesterday = { ...now, boot: 'yesterday', wall: now.wall - DAY_MS, state: 'synced', errorMs: 20 } as const
  const reports = Array.from({ length: YESTERDAY }, (_, index) => ({
    origin: { reader: GATES[0], place: 'gate', direction: 'in', driver: 'torture', sim: true } as const,
    sighting: {
      credential: { type: 'card', value: cardOfYesterday(index), scope: 'global' },
      method: 'card',
      arrived: { ...yesterday, wall: yesterday.wall + index, uptime: 1_000 + index * 2_000 },
    } as const,
  }))
  attendance.record(reports)
  // Only now: yesterday there was none, and everybody was welcome.
  journal.tables.people.import(people(0), true)
  journal.head.keepAnchor()
  journal.close()
}
