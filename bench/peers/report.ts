/** What the runs found, as a table: a row for each peer and job. */
import type { Extra } from '../outcome.js'
import { median, round } from '../outcome.js'
import type { Job, Run } from './job.js'
import type { Absent, Peer } from './peer.js'

const COLUMNS = [
  'peer',
  'job',
  'punches',
  'accepted',
  'lost',
  'again',
  'disordered',
  'produce ms',
  'first ms',
  'drain ms',
  'peak MB',
  'written B',
  'message B',
  'at kill',
]

export interface Report {
  readonly peers: readonly Peer[]
  readonly jobs: readonly Job[]
  readonly runs: readonly Run[]
  readonly failed: readonly string[]
  readonly absent: readonly Absent[]
}

export function extraOf({ peers, jobs, runs, failed, absent }: Report): Extra {
  const of = (name: string, job: Job): Run[] => runs.filter((run) => run.peer === name && run.job === job)
  const rows = peers.flatMap(({ name }) => jobs.map((job) => rowOf(of(name, job)))).filter((row) => row.length > 0)
  return { columns: COLUMNS, rows, notes: [...LEGEND, ...peers.map(noteOf), ...failed, ...absent.map(absentNote)] }
}

const LEGEND = [
  'lost: accepted and never received. again: received again, under the same identity. Counts are those of the worst round, times are medians.',
  'kill: right after the last acceptance, before the broker is back. Who writes a moment later loses what came in that moment: at this speed that may be all. kill mid-drain: when a fifth has arrived (at kill: so many had); – where it never came to that.',
  'produce: first to last acceptance. first: from the broker back to the first message; it holds whatever pause the peer was in.',
  'written: write_bytes of its process ÷ punches. peak: highest RSS of its process. message: payload as received.',
]

/** Several rounds of the same: the worst of what must not be, the middle of what varies. */
function rowOf(runs: readonly Run[]): (string | number)[] {
  const [one] = runs
  if (one === undefined) return []
  const worst = (of: (run: Run) => number): number => Math.max(...runs.map(of))
  const usual = (of: (run: Run) => number | undefined): number | string => {
    const known = runs.map(of).filter((value) => value !== undefined)
    return known.length === 0 ? '–' : round(median(known))
  }
  return [
    one.peer,
    one.job,
    one.produced,
    Math.min(...runs.map(({ accepted }) => accepted)),
    worst(({ lost }) => lost),
    worst(({ again, twice }) => again + twice),
    worst(({ disordered }) => disordered),
    usual(({ produceMs }) => produceMs),
    usual(({ firstMs }) => firstMs),
    usual(({ drainMs }) => drainMs),
    usual(({ peakRssKb }) => peakRssKb / 1_024),
    usual(({ writtenPerPunch }) => writtenPerPunch),
    usual(({ bytesPerMessage }) => bytesPerMessage),
    usual(({ atKill }) => atKill),
  ]
}

function noteOf({ name, version, settings, accepted, most }: Peer): string {
  const limit = most === undefined ? '' : `; at most ${most} punches: each writes the whole queue`
  return `${name} (${version}): ${settings}${limit}. Accepted: ${accepted}.`
}

function absentNote({ name, get }: Absent): string {
  return `${name}: not here. To get it: ${get}`
}
