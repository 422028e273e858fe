/** One peer does one job: punches while the broker is away, perhaps a kill, then everything that waits. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../simulators/free-port.js'
import { Checker } from './checker.js'
import type { Peer, PeerLife, Place } from './peer.js'
import { Upstream } from './upstream.js'

export const JOBS = ['outage', 'kill', 'kill mid-drain'] as const
export type Job = (typeof JOBS)[number]

export interface Run {
  readonly peer: string
  readonly job: Job
  readonly produced: number
  readonly accepted: number
  readonly lost: number
  readonly again: number
  readonly twice: number
  readonly disordered: number
  readonly bytesPerMessage: number
  /** Received when the kill came; nothing where none came. */
  readonly atKill: number | undefined
  readonly produceMs: number
  readonly firstMs: number | undefined
  readonly drainMs: number | undefined
  readonly peakRssKb: number
  readonly writtenPerPunch: number
}

/** The kill comes when this share has arrived. */
const KILL_SHARE = 0.2
const WARM_MS = 60_000
/** After everything arrived, so long for what comes twice. */
const AFTER_MS = 1_000
/** After so much silence a probe asks whether the way is open at all, and again after this. */
const SILENCE_MS = 3_000
const PROBE_EVERY_MS = 1_000
/** After a probe arrived, so long for what is still behind it. */
const BEHIND_MS = 3_000
const NEVER_MS = 120_000
const LOOK_MS = 5

/** The peer of one run, which may have several lives. */
class Subject {
  readonly #peer: Peer
  readonly #place: Place
  #life: PeerLife | undefined
  #peakRssKb = 0
  #written = 0
  #baseline = 0

  constructor(peer: Peer, place: Place) {
    this.#peer = peer
    this.#place = place
  }

  get life(): PeerLife {
    if (this.#life === undefined) throw new Error(`peers: ${this.#peer.name} does not run`)
    return this.#life
  }

  async start(): Promise<void> {
    this.#life = await this.#peer.start(this.#place)
  }

  /** Synchronous up to the signal: what is in flight decides. */
  async kill(): Promise<void> {
    const { life } = this
    this.#look()
    const killed = life.kill()
    this.#life = undefined
    await killed
  }

  /** What was written until now does not count. */
  begin(): void {
    this.#baseline = io(this.life.pid)
  }

  get peakRssKb(): number {
    return this.#peakRssKb
  }

  get written(): number {
    return this.#written - this.#baseline
  }

  #look(): void {
    const { pid } = this.life
    const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    this.#peakRssKb = Math.max(this.#peakRssKb, peak)
    this.#written += io(pid)
  }
}

function io(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}

export async function runJob(peer: Peer, job: Job, punches: number, folder: string): Promise<Run> {
  const produced = Math.min(punches, peer.most ?? punches)
  const own = join(folder, 'peer')
  mkdirSync(own, { recursive: true })
  const upstream = new Upstream(join(folder, 'upstream'), await freePort())
  const checker = new Checker(upstream.port, produced)
  const subject = new Subject(peer, { folder: own, upstreamPort: upstream.port, ownPort: await freePort() })
  await upstream.up()
  await checker.connect()
  await subject.start()
  await warm(peer, subject, checker)
  await checker.close()
  await upstream.down()

  subject.begin()
  const begun = performance.now()
  const accepted = await subject.life.produce(1, produced)
  const produceMs = performance.now() - begun
  if (job === 'kill') await again(subject)
  let atKill = job === 'kill' ? 0 : undefined
  const killed = job === 'kill mid-drain' ? killAt(subject, checker, produced, (count) => (atKill = count)) : undefined
  await upstream.up()
  const backAt = performance.now()
  await checker.connect()
  await drained(subject, checker, accepted.length, produced, killed)
  await subject.kill()
  await checker.close()
  await upstream.down()
  const { tally } = checker
  return {
    peer: peer.name,
    job,
    produced,
    accepted: accepted.length,
    lost: tally.lostOf(accepted),
    again: tally.again,
    twice: tally.twice,
    disordered: tally.disordered,
    bytesPerMessage: tally.received === 0 ? 0 : tally.bytes / tally.received,
    atKill,
    produceMs,
    firstMs: tally.firstAt === undefined ? undefined : tally.firstAt - backAt,
    drainMs: tally.firstAt === undefined ? undefined : tally.lastAt - tally.firstAt,
    peakRssKb: subject.peakRssKb,
    writtenPerPunch: subject.written / produced,
  }
}

/** One punch must come through first: a peer that is not set up properly has lost nothing, it was never there. */
async function warm({ name }: Peer, subject: Subject, checker: Checker): Promise<void> {
  const deadline = performance.now() + WARM_MS
  while (!checker.tally.warm) {
    await subject.life.produce(0, 1)
    for (let looks = 0; looks < 200 && !checker.tally.warm; looks++) await sleep(LOOK_MS)
    if (performance.now() > deadline)
      throw new Error(`peers: no punch comes through ${name}, also with the broker there`)
  }
}

async function again(subject: Subject): Promise<void> {
  await subject.kill()
  await subject.start()
}

/** Kills when its share has arrived, in the very callback, and starts it again. Says whether that is still under way. */
function killAt(subject: Subject, checker: Checker, produced: number, tell: (received: number) => void): () => boolean {
  let under: 'nothing' | 'way' | 'done' = 'nothing'
  checker.onMessage = () => {
    if (under !== 'nothing' || checker.tally.received < produced * KILL_SHARE) return
    under = 'way'
    tell(checker.tally.received)
    void again(subject).then(() => (under = 'done'))
  }
  return () => under === 'way'
}

/** Resolves when everything arrived, or when nothing can come any more. */
async function drained(
  subject: Subject,
  { tally }: Checker,
  accepted: number,
  produced: number,
  isRestarting: () => boolean = () => false,
): Promise<void> {
  const begun = performance.now()
  let [next, probedAt, probeArrivedAt, restartedAt] = [produced + 1, 0, 0, begun]
  for (;;) {
    await sleep(LOOK_MS)
    const now = performance.now()
    if (isRestarting()) restartedAt = now
    const since = now - Math.max(tally.heardAt, restartedAt)
    if (isRestarting() || since < AFTER_MS) continue
    if (tally.received >= accepted) return
    if (tally.probe > 0 && probeArrivedAt === 0) probeArrivedAt = now
    if (probeArrivedAt > 0 && since > BEHIND_MS) return
    if (since > NEVER_MS) return
    if (since > SILENCE_MS && now - probedAt > PROBE_EVERY_MS && probeArrivedAt === 0) {
      probedAt = now
      subject.life.produce(next, 1).catch(() => undefined)
      next += 1
    }
  }
}
