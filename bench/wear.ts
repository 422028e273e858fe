/** wear: how much the disk is made to write for one punch, for its delivery, and for a day on which nobody comes. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SystemClock } from '../src/clock.js'
import { startBroker } from './broker.js'
import { drainCopy } from './drain.js'
import { cardReport, openAttendance } from './fixture.js'
import { Gate } from './gate.js'
import { LitDaemon } from './lit.js'
import { PACE, people } from './live.js'
import { loopDisk } from './loop-disk.js'
import { judged, median, round, type Bench } from './outcome.js'
import { writtenBy } from './proc.js'
import { refuseMemory } from './workspace.js'

const DISK_MB = 256
const BLOCK = 4_096
const AT_MOST_ONE = { bound: 'at most', limit: 1 } as const
const THREE_KB = 3_000
const MARK = 64
const PUNCH_MOST = 40 * 1_024
const IDLE_DAY = 5 * 1_024 * 1_024
const DAY_S = 86_400
const GROUPS = [1, 8]
/** Until the write-ahead log is reused instead of growing. */
const WARM_UP = 1_500

/** Bytes. `device` counts what the file system adds, where a disk of our own can be had. */
interface Written {
  readonly process: number
  readonly device: number | undefined
}

/** What was written while something was done, by a process or by this one. */
type Meter = (by: number | 'self', what: () => Promise<unknown>) => Promise<Written>

interface Lengths {
  readonly rounds: number
  readonly punches: number
  readonly liveS: number
  /** Until what was mapped and written before is on the disk, too: SQLite's index of the log comes up to half a minute late. */
  readonly settleS: number
  readonly idleS: number
  readonly drained: number
}

const USUAL: Lengths = { rounds: 3, punches: 8_000, liveS: 15, settleS: 35, idleS: 45, drained: 20_000 }
const QUICK: Lengths = { rounds: 1, punches: 80, liveS: 0.5, settleS: 0.2, idleS: 1, drained: 2_000 }
const FULL: Lengths = { ...USUAL, liveS: 60, idleS: 900 }

export const wear: Bench = {
  name: 'wear',
  title: 'bytes written per punch, one per commit ÷ a block of 4 KiB; others ÷ what they may be at most',
  goal: { bound: 'at most', limit: 2.5 },

  async run({ folder, quick, full, journals, say }) {
    refuseMemory(folder)
    const lengths = quick ? QUICK : full ? FULL : USUAL
    const disk = loopDisk(folder, DISK_MB)
    const meter = meterOf(typeof disk === 'string' ? undefined : disk.written)
    const place = typeof disk === 'string' ? folder : disk.path
    const steady = await steadily(place, meter, lengths, quick ? 50 : WARM_UP, say)
    const broker = await startBroker(folder)
    const { live, idle } = await inService({ place, aside: folder, port: broker.port, lengths, meter, say })
    const marks = await drainCopy(journals, lengths.drained, folder, broker.port)
    await broker.stop()
    if (typeof disk !== 'string') disk.close()
    const [single = [], grouped = []] = GROUPS.map((group) => steady.get(group)!.map(onDisk))
    const idleDay = (onDisk(idle) / lengths.idleS) * DAY_S
    const markBytes = (marks.written ?? Number.NaN) / marks.acknowledged
    const measured = [
      { against: 'block', goal: this.goal, rounds: single.map((bytes) => bytes / BLOCK) },
      { against: 'threeKbAt8PerCommit', goal: AT_MOST_ONE, rounds: grouped.map((bytes) => bytes / THREE_KB) },
      { against: 'markOf64B', goal: AT_MOST_ONE, rounds: [markBytes / MARK] },
      { against: 'livePunchOf40KiB', goal: AT_MOST_ONE, rounds: [onDisk(live) / PUNCH_MOST] },
      { against: 'idleDayOf5MiB', goal: AT_MOST_ONE, rounds: [idleDay / IDLE_DAY] },
    ]
    return judged(measured, {
      bytesFrom: typeof disk === 'string' ? `write_bytes of the process, without what the file system adds: ${disk}` : 'sectors of a loop device, ext4', // prettier-ignore
      ...Object.fromEntries(GROUPS.flatMap((group) => figures(`At${group}PerCommit`, steady.get(group)!))),
      ...Object.fromEntries(figures(`LiveAt${PACE}PerSecond`, [live])),
      markBytes: round(markBytes),
      idleSeconds: lengths.idleS,
      idleBytesPerHourExtrapolated: round((idleDay * 3_600) / DAY_S),
    })
  },
}

function onDisk({ process, device }: Written): number {
  return device ?? process
}

function meterOf(device: (() => number) | undefined): Meter {
  return async (by, what) => {
    const [deviceBefore, processBefore] = [device?.() ?? 0, writtenBy(by)]
    await what()
    const process = writtenBy(by) - processBefore
    return { process, device: device && device() - deviceBefore }
  }
}

/** Bytes per punch of the journal alone, by the number of punches in a commit. */
async function steadily(
  place: string,
  meter: Meter,
  { rounds, punches }: Lengths,
  warmUp: number,
  say: (progress: string) => void,
): Promise<ReadonlyMap<number, Written[]>> {
  // prettier-ignore
  const { journal, attendance } = openAttendance(join(place, 'steady', 'journal.db'))
  const clock = new SystemClock()
  let next = 0
  const store = async (count: number, group: number): Promise<void> => {
    for (let done = 0; done < count; done += group)
      attendance.record(Array.from({ length: group }, () => cardReport(next++, clock)))
  }
  await store(warmUp, 1)
  const found = new Map(GROUPS.map((group) => [group, [] as Written[]]))
  for (let turn = 1; turn <= rounds; turn++) {
    for (const group of GROUPS) {
      const written = perPunch(await meter('self', () => store(punches, group)), punches)
      found.get(group)!.push(written)
      say(`wear ${turn}/${rounds}: ${round(onDisk(written))} bytes per punch at ${group} per commit`)
    }
  }
  journal.close()
  return found
}

function perPunch({ process, device }: Written, punches: number): Written {
  return { process: process / punches, device: device === undefined ? undefined : device / punches }
}

interface InService {
  readonly place: string
  /** Not on that disk. */
  readonly aside: string
  readonly port: number
  readonly lengths: Lengths
  readonly meter: Meter
  readonly say: (progress: string) => void
}

/** The whole daemon, delivering: per punch while people come by, and in all while nobody does. */
async function inService({
  place,
  aside,
  port,
  lengths,
  meter,
  say,
}: InService): Promise<{ live: Written; idle: Written }> {
  // prettier-ignore
  const data = join(place, 'live')
  mkdirSync(data)
  const gate = await Gate.network()
  const daemon = await LitDaemon.start({ data, port, readers: [gate.url] })
  const pid = daemon.child.pid ?? 0
  const crowd = Array.from({ length: WARM_UP / 2 }, () => gate.present())
  await daemon.green(crowd.at(-1)!.card)
  const count = Math.ceil(lengths.liveS * PACE)
  const live = await meter(pid, () => people(gate, daemon, aside, (so) => so < count))
  await sleep(lengths.settleS * 1_000)
  say(`wear: idle for ${lengths.idleS} s`)
  const idle = await meter(pid, () => sleep(lengths.idleS * 1_000))
  await daemon.stop()
  await gate.close()
  return { live: perPunch(live, count), idle }
}

function figures(what: string, rounds: readonly Written[]): (readonly [string, number])[] {
  const of = (field: keyof Written): number => round(median(rounds.map((written) => written[field] ?? Number.NaN)))
  return [
    [`writeBytes${what}`, of('process')],
    ...(rounds[0]?.device === undefined ? [] : [[`deviceBytes${what}`, of('device')] as const]),
  ]
}
