/** The retained documents of CONTRACT §4, from what the daemon knows. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { arch, release } from 'node:os'
import type { Config } from './config/config.js'
import { looksSecret } from './config/shown.js'
import type { ClockState, Moment, ReaderId } from './model.js'
import type { ReaderState, ReaderStatus } from './status.js'

export interface InfoDocument {
  readonly version: string
  readonly schemas: readonly string[]
  readonly os: string
  readonly node: string
  readonly drivers: readonly string[]
  readonly config: string
  readonly journal: string
  /** Base64 of the 32 bytes of the Ed25519 key that records are signed with. */
  readonly publicKey: string
  readonly site: string
  readonly timezone: string
}

export function infoDocument(
  config: Config,
  version: string,
  { journal, publicKey }: { readonly journal: string; readonly publicKey: string },
): InfoDocument {
  return {
    version,
    schemas: ['punch/1', 'presence/1', 'correction/1', 'audit/1'],
    os: `${process.platform} ${release()} ${arch()}`,
    node: process.versions.node,
    drivers: [...new Set(config.readers.map(({ driver }) => driver))].sort(),
    config: configHash(config),
    journal,
    publicKey,
    site: config.site.name,
    timezone: config.site.timezone,
  }
}

/** Tells whether two gateways run the same configuration. Secrets are left out. */
export function configHash(config: Config): string {
  const { mqtt, ...rest } = config
  const { password: _secret, ...plain } = mqtt
  return createHash('sha256')
    .update(JSON.stringify({ ...rest, mqtt: plain }, (key, value: unknown) => (looksSecret(key) ? undefined : value)))
    .digest('hex')
    .slice(0, 16)
}

export interface ReaderDocument {
  readonly state: ReaderState['state']
  readonly since: string
  readonly code?: string | undefined
  readonly hint?: string | undefined
}

export function readerDocument({ state }: ReaderStatus, timeOf: (wall: number) => string): ReaderDocument {
  return { state: state.state, since: timeOf(state.since), code: state.code, hint: state.hint }
}

/** What the health document is made from. */
export interface HealthFacts {
  readonly now: Moment
  readonly backlog: number
  readonly parked: number
  /** Wall time of the oldest record that is not settled. */
  readonly oldestUnsettled: number | undefined
  readonly journalFile: string
  readonly diskFree: number
  readonly protocol: 4 | 5
  readonly connects: number
  readonly unheard: number
  readonly startedAt: number
  readonly readers: readonly ReaderStatus[]
  /** Only where receipts settle. */
  readonly receipts?: ReceiptsHealth | undefined
}

export interface ReceiptsHealth {
  /** Taken by the broker, and without a receipt of the consumer. */
  readonly unreceipted: number
  /** Waiting to be sent again. */
  readonly sendingAgain: number
  /** Receipts that were not believed. */
  readonly refused: number
}

export interface HealthDocument {
  readonly time: string
  readonly uptimeS: number
  readonly backlog: number
  readonly parked: number
  readonly oldestUnsettledS: number
  readonly journalBytes: number
  readonly diskFreeBytes: number
  readonly clock: { readonly state: ClockState; readonly errorMs: number | null }
  readonly memoryBytes: number
  readonly broker: {
    readonly protocol: 4 | 5
    readonly degraded: boolean
    readonly connects: number
    readonly unheard: number
  }
  readonly readers: Readonly<Record<ReaderId, ReaderHealth>>
  readonly receipts?: ReceiptsHealth
}

export interface ReaderHealth {
  readonly state: ReaderState['state']
  readonly lastGoodRead: string | null
  readonly goodFrames: number
  readonly badFrames: number
  readonly discardedBytes: number
  /** What its driver measures, when it does. */
  readonly figures?: Readonly<Record<string, number>>
}

export function healthDocument(facts: HealthFacts, timeOf: (wall: number) => string): HealthDocument {
  const { now, oldestUnsettled, readers, protocol } = facts
  return {
    time: timeOf(now.wall),
    uptimeS: Math.round((now.uptime - facts.startedAt) / 1_000),
    backlog: facts.backlog,
    parked: facts.parked,
    oldestUnsettledS: oldestUnsettled === undefined ? 0 : Math.max(0, Math.round((now.wall - oldestUnsettled) / 1_000)),
    journalBytes: fileSize(facts.journalFile) + fileSize(`${facts.journalFile}-wal`),
    diskFreeBytes: facts.diskFree,
    clock: { state: now.state, errorMs: now.errorMs },
    memoryBytes: process.memoryUsage.rss(),
    broker: { protocol, degraded: protocol !== 5, connects: facts.connects, unheard: facts.unheard },
    readers: Object.fromEntries(readers.map((reader) => [reader.id, readerHealth(reader, timeOf)])),
    ...(facts.receipts && { receipts: facts.receipts }),
  }
}

function readerHealth(
  { state, lastGoodRead, counters, figures }: ReaderStatus,
  timeOf: (wall: number) => string,
): ReaderHealth {
  return {
    state: state.state,
    lastGoodRead: lastGoodRead === undefined ? null : timeOf(lastGoodRead),
    ...counters,
    ...(Object.keys(figures).length === 0 ? {} : { figures: { ...figures } }),
  }
}

function fileSize(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

export interface DiskSpace {
  readonly free: number
  readonly total: number
}

/** Space of the disk under a file, for users without privileges. */
export async function diskSpace(file: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(file)
  return { free: bavail * bsize, total: blocks * bsize }
}

/** `completeThrough`: every punch of that reader up to then is settled. */
export interface WatermarkDocument {
  readonly journal: string
  readonly settledThrough: number
  /** Only where receipts settle: what a consumer should have by now, or ask for. */
  readonly publishedThrough?: number | undefined
  readonly completeThrough: Readonly<Record<ReaderId, string>>
}
