/** What must be true of a journal and of its consumer, whatever happened. The lights are compared by the oracle of all torture. */
import { createPublicKey } from 'node:crypto'
import { dirname } from 'node:path'
import { anchorFile, readAnchor } from '../../src/journal/anchor.js'
import { openKeys } from '../../src/journal/keys.js'
import { JournalReader } from '../../src/journal/query.js'
import type { Moment } from '../../src/model.js'
import { linesOfJournal } from '../../src/verify/journal.js'
import { verifyLines } from '../../src/verify/verify.js'
import type { Body, CardOf } from '../faults/stored.js'
import { SITE } from '../fixture.js'
import type { Claims } from './claims.js'
import type { Truth } from './machine.js'
import { Reference, type Rules, type Told } from './reference.js'

/** Times are written in whole milliseconds. */
const LEEWAY_MS = 1

/** Names one presentation: its reader, what was presented, and when. */
export const presentationOf: CardOf = ({ reader, credential, clock }) =>
  `${reader ?? ''} ${credential?.type ?? ''}:${credential?.value ?? ''} ${clock.boot}/${clock.uptime}`

/** A correction of time, as it is stored. */
interface Corrected {
  readonly schema: string
  readonly seq: number
  readonly of: string
  readonly time?: string
  readonly errorMs?: number
  readonly earliest?: string
  readonly latest?: string
}

export interface OracleOptions {
  readonly rules: Rules
  readonly truth: Truth
  readonly claims: Claims
  /** What was shown, by presentation. */
  readonly shown: ReadonlyMap<string, string>
  /** All is well since long: whatever was owed must have been paid by this moment. */
  readonly settledAt: Moment | undefined
}

/** Everything that is wrong with what is stored. */
export function wrongIn(file: string, options: OracleOptions): string[] {
  const reader = new JournalReader(file, SITE.offsets)
  try {
    const last = reader.lastSeq()
    const records = [...reader.records({})].map(({ json }) => JSON.parse(json) as Told & Body & Corrected)
    return [
      ...verified(reader, file, last),
      ...wrongRules(records, options),
      ...wrongLights(records, options.shown),
      ...wrongTimes(records, options),
      ...options.claims.wrong,
      ...options.claims.broken(records),
    ]
  } finally {
    reader.close()
  }
}

function verified(reader: JournalReader, file: string, last: number): string[] {
  const key = createPublicKey(openKeys(dirname(file), false, {}).signing)
  const anchor = readAnchor(anchorFile(file))
  const source = { lines: () => linesOfJournal(reader, last), ends: 'anyhow' } as const
  const result = verifyLines(source, { key, anchor, mustReachAnchor: true })
  return result.ok === true ? [] : [`the journal does not verify: ${JSON.stringify(result)}`]
}

function wrongRules(records: readonly Told[], { rules, settledAt }: OracleOptions): string[] {
  const reference = new Reference(rules)
  for (const record of records) reference.take(record)
  if (settledAt) reference.end(settledAt)
  return reference.wrong
}

/** What was shown is what is stored. */
function wrongLights(records: readonly (Told & Body)[], shown: ReadonlyMap<string, string>): string[] {
  return records.flatMap((record) => {
    if (record.schema !== 'punch/1') return []
    const light = shown.get(presentationOf(record))
    const isRight = light === undefined || light === 'refused' || light === record.verdict
    return isRight ? [] : [`record ${record.seq} is ${record.verdict}, and the light said ${light}`]
  })
}

function wrongTimes(records: readonly (Told & Corrected)[], { truth, settledAt }: OracleOptions): string[] {
  const trueTimes = new Map<string, number>()
  const corrections = new Map<string, number>()
  const wrong: string[] = []
  for (const record of records) {
    if (record.schema === 'punch/1') {
      const time = truth.when(record.clock)
      if (time === undefined) wrong.push(`record ${record.seq} has clocks that said something else`)
      else if (!isWithin(time, boundsOfClock(record.clock)))
        wrong.push(`record ${record.seq} was not when its clock says`)
      trueTimes.set(record.id, time ?? NaN)
    } else if (record.schema === 'correction/1' && !record.verification) {
      corrections.set(record.of, (corrections.get(record.of) ?? 0) + 1)
      if (!isWithin(trueTimes.get(record.of) ?? NaN, boundsOf(record)))
        wrong.push(`record ${record.seq} corrects to a time that was not`)
    }
  }
  return [...wrong, ...wronglyCorrected(records, corrections, settledAt !== undefined)]
}

/** One correction for each punch whose clock was not set, and none for others. */
function wronglyCorrected(
  records: readonly Told[],
  corrections: ReadonlyMap<string, number>,
  isDue: boolean,
): string[] {
  return records.flatMap(({ schema, seq, id, clock }) => {
    if (schema !== 'punch/1') return []
    const count = corrections.get(id) ?? 0
    if (clock.state === 'synced') return count === 0 ? [] : [`record ${seq} was corrected though its clock was set`]
    if (count > 1) return [`record ${seq} was corrected ${count} times`]
    return isDue && count === 0 ? [`record ${seq} was never corrected`] : []
  })
}

type Bounds = readonly [from: number, to: number]

function boundsOfClock({ wall, errorMs }: Moment): Bounds {
  return errorMs === null ? [-Infinity, Infinity] : [wall - errorMs, wall + errorMs]
}

function boundsOf({ time, errorMs = 0, earliest = '', latest = '' }: Corrected): Bounds {
  if (time === undefined) return [Date.parse(earliest), Date.parse(latest)]
  return [Date.parse(time) - errorMs, Date.parse(time) + errorMs]
}

function isWithin(time: number, [from, to]: Bounds): boolean {
  return time >= from - LEEWAY_MS && time <= to + LEEWAY_MS
}
