/** The gateway that all benches are: one site, one broker, cards that nobody presented before. */
import type { Report } from '../src/attendance.js'
import { SystemClock, type Clock } from '../src/clock.js'
import type { MqttConfig, SiteConfig } from '../src/config/config.js'
import { Journal, type Identity } from '../src/journal/journal.js'
import type { ThreadOptions } from '../src/journal/protocol.js'
import { Attendance } from '../src/attendance.js'
import { Topics } from '../src/mqtt/topics.js'

export const WINDOW = 64
export const READER = 'gate-north'
export const SITE: SiteConfig = { id: 'bench', name: 'Bench', timezone: 'Europe/Berlin', offsets: [[0, 60]] }
export const GATEWAY = 'gw-01'
export const IDENTITY: Identity = { site: SITE.id, gateway: GATEWAY, offsets: SITE.offsets }
export const TOPIC_PREFIX = 'punchd/v1'
export const TOPICS = new Topics(TOPIC_PREFIX, SITE.id, GATEWAY)
/** A gate at rush hour has some hundred windows open; with a longer one these loads would keep a hundred thousand. */
const REPEAT_WINDOW_MS = 1_000
const FOR_EVER_MS = 400 * 86_400_000

export function threadOptions(file: string): ThreadOptions {
  return { file, identity: IDENTITY, repeatWindowMs: REPEAT_WINDOW_MS, keepSettledMs: FOR_EVER_MS }
}

export function mqttConfig(port: number): MqttConfig {
  return {
    urls: [`mqtt://127.0.0.1:${port}`],
    protocol: 5,
    clientId: `punchd-${SITE.id}-${GATEWAY}`,
    username: undefined,
    password: undefined,
    tls: {},
    topicPrefix: TOPIC_PREFIX,
    window: WINDOW,
    settle: 'puback',
  }
}

export function cardValue(index: number): string {
  return index.toString(16).toUpperCase().padStart(10, '0')
}

/** Card number `index` at the gate, now. */
export function cardReport(index: number, clock: Clock): Report {
  const value = cardValue(index)
  return {
    origin: { reader: READER, place: 'gate', direction: 'in', driver: 'rdm6300', sim: true },
    sighting: { credential: { type: 'card', value, scope: 'global' }, method: 'card', arrived: clock.now() },
  }
}

/** A journal and the policy in front of it, in this thread. */
export function openAttendance(file: string): { journal: Journal; attendance: Attendance } {
  const journal = new Journal(file, IDENTITY)
  return { journal, attendance: new Attendance(journal, REPEAT_WINDOW_MS, new SystemClock().now()) }
}
