/**
 * The site at which a daemon is killed at its points: readers, rules and people that take every way through it within a
 * second or two.
 */
import type { Config, MqttConfig, ReaderConfig } from '../../src/config/config.js'
import type { Credential, DirectionSetting } from '../../src/model.js'
import type { Person } from '../../src/people.js'
import { GATEWAY, mqttConfig, SITE } from '../fixture.js'

/** Longer ones the broker does not take. */
export const LARGEST_PACKET = 4_500
/** People of the list; those from RULED on pass the door with two factors. */
export const PEOPLE = 1_000
const RULED = 800
/** Records of yesterday that a grown journal begins with. */
export const YESTERDAY = 1_500
export const DAY_MS = 86_400_000
/** What is older and delivered is forgotten. */
const KEEP_MS = DAY_MS / 2
/** Longer than any number of kills takes, so that a card shown again after one must be a repeat. */
const REPEAT_WINDOW_MS = 4 * 3_600_000
const SECOND_FACTOR_MS = 60

export const GATES = ['gate-0', 'gate-1', 'gate-2'] as const
export const DOOR = 'door'
export const TERMINAL = 'terminal'
export const COUNTER = 'counter'
/** In the order of the ports by which the child finds their wires. */
export const READERS = [...GATES, DOOR, TERMINAL, COUNTER] as const

export interface SiteOptions {
  readonly data: string
  readonly port: number
  readonly settle: MqttConfig['settle']
}

export function siteConfig({ data, port, settle }: SiteOptions): Config {
  return {
    site: SITE,
    gateway: { id: GATEWAY },
    data: { path: data, keepSettledMs: KEEP_MS },
    mqtt: { ...mqttConfig(port), settle },
    readers: [
      ...GATES.map((id) => reader(id, 'gate', 'in')),
      reader(DOOR, 'vault', 'auto'),
      reader(TERMINAL, 'hall', 'none'),
      reader(COUNTER, 'hall', 'none'),
    ],
    policy: {
      repeatWindowMs: REPEAT_WINDOW_MS,
      verify: [{ place: 'vault', factors: ['card', 'pin'], withinMs: SECOND_FACTOR_MS }],
      unknown: 'hold',
      autoDirection: { dayStartMs: null, maxStayMs: 57_600_000 },
    },
    log: { level: 'error' },
  }
}

function reader(id: (typeof READERS)[number], place: string, direction: DirectionSetting): ReaderConfig {
  const transport = { scheme: 'tcp', host: 'nowhere', port: READERS.indexOf(id) + 1 } as const
  const fixed = { name: id, driver: 'torture', options: {}, sim: true, enabled: true, points: [] }
  return { id, transport, direction, place, ...fixed }
}

/** Everybody, as the list has them after its `round`-th import. */
export function people(round: number, strangersThrough = -1): Person[] {
  const listed = Array.from({ length: PEOPLE }, (_, index) => person(index, round))
  const strangers = Array.from({ length: strangersThrough + 1 }, (_, index) => ({
    ...person(PEOPLE + index, round),
    credentials: [card(strangerCard(index))],
  }))
  return [...listed, ...strangers]
}

function person(index: number, round: number): Person {
  const credentials = [card(cardOf(index)), { type: 'pin', value: pinOf(index), scope: 'global' } as const]
  if (index === 0) credentials.push({ type: 'qr', value: hugeCode(), scope: 'global' } as never)
  const facts = { name: `Person ${index}`, language: 'de', validFrom: '', validTo: '', state: 'active' } as const
  return { ref: `P-${index}`, department: `import ${round}`, ...facts, credentials }
}

function card(value: string): Credential {
  return { type: 'card', value, scope: 'global' }
}

export function cardOf(person: number): string {
  return `A${person.toString(16).toUpperCase().padStart(9, '0')}`
}

/** True for the card of somebody who passes the gates, and no other reader. */
export function isOfGate(card: string): boolean {
  return card.startsWith('A') && card < cardOf(RULED)
}

/** Of the `index`-th who came yesterday. */
export function cardOfYesterday(index: number): string {
  return `B${index.toString(16).toUpperCase().padStart(9, '0')}`
}

export function pinOf(person: number): string {
  return String(100_000 + person)
}

/** Of somebody whom the list does not know in that round of kills. */
export function strangerCard(round: number): string {
  return `D${round.toString(16).toUpperCase().padStart(9, '0')}`
}

/** A code that makes a record which the broker does not take: it is parked. */
export function hugeCode(): string {
  return 'Q'.repeat(4_096)
}

/** Who passes a gate as the `count`-th of a round: one after the other, so that nobody is in two places. */
export function passer(round: number, gate: number, count: number): number {
  return (round * 60 + count * GATES.length + gate) % RULED
}

/** Who passes the door as the `count`-th of a round. */
export function ruled(round: number, count: number): number {
  return RULED + ((round * 8 + count) % (PEOPLE - RULED))
}
