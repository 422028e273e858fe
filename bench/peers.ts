/** peers: the same job for punchd and for what else one could take. */
import { join } from 'node:path'
import { rmSync } from 'node:fs'
import { NO_MOSQUITTO, mosquittoProgram } from './broker.js'
import { messageOf } from '../src/errors.js'
import { BenchError, outcomeOf, type Bench, type BenchOptions } from './outcome.js'
import { bridges } from './peers/bridge.js'
import { install, outside } from './peers/install.js'
import { JOBS, runJob, type Job, type Run } from './peers/job.js'
import { CONTROL, mqttjs } from './peers/mqttjs.js'
import { nodeRed } from './peers/node-red.js'
import type { Found, Given, Peer } from './peers/peer.js'
import { punchd } from './peers/punchd.js'
import { extraOf } from './peers/report.js'
import { thingsBoard } from './peers/thingsboard.js'

const PUNCHES = { quick: 2_000, usual: 10_000, full: 100_000 }
/** Rounds of the outage; a kill loses or it does not. */
const ROUNDS = { quick: 1, usual: 3, full: 1 }
/** With --quick the figures mean nothing, so runs need not be alone. */
const AT_ONCE_QUICK = 8

export const peers: Bench = {
  name: 'peers',
  title: 'broker away, then back; then SIGKILL: punches of punchd lost, doubled or disordered ÷ accepted',
  goal: { bound: 'at most', limit: 0 },

  async run(options) {
    const { quick, full, say, given } = options
    const dir = given.install ?? given.peers
    const installed = dir === undefined ? undefined : outside(dir)
    if (given.install !== undefined && installed !== undefined) install(installed, say)
    if (!hasMosquitto()) return { ratios: {}, skipped: NO_MOSQUITTO }
    const { peers: all, absent } = everybody({ installed, thingsboard: given.thingsboard })
    const size = quick ? 'quick' : full ? 'full' : 'usual'
    const turns = turnsOf(all, ROUNDS[size])
    const { runs, failed } = await runAll(turns, PUNCHES[size], options)
    checkControl(runs)
    const ours = runs.filter(({ peer }) => peer === punchd.name)
    const bad = ours.map(({ lost, twice, disordered, accepted }) => (lost + twice + disordered) / accepted)
    const figures = { punches: PUNCHES[size], runs: runs.length, folder: dir ?? 'none; see --install' }
    // Not the median: one lost punch in one run is one too many.
    const worst = outcomeOf(this.goal, 'accepted', [Math.max(...bad)], figures)
    return { ...worst, extra: extraOf({ peers: all, jobs: JOBS, runs, failed, absent }) }
  },
}

function hasMosquitto(): boolean {
  try {
    return mosquittoProgram() !== ''
  } catch (error) {
    if (error instanceof BenchError) return false
    throw error
  }
}

function everybody(given: Given): Found {
  const found = [{ peers: [punchd], absent: [] }, mqttjs(given), bridges(), nodeRed(given), thingsBoard(given)]
  return { peers: found.flatMap((one) => one.peers), absent: found.flatMap((one) => one.absent) }
}

interface Ran {
  readonly runs: Run[]
  /** Runs that could not be made, a sentence each. */
  readonly failed: string[]
}

interface Turn {
  readonly peer: Peer
  readonly job: Job
}

/** Interleaved: everybody does a job before anybody does the next; who begins changes from round to round. */
function turnsOf(all: readonly Peer[], rounds: number): Turn[] {
  return Array.from({ length: rounds }, (_, round) =>
    JOBS.filter((job) => round === 0 || job === 'outage').flatMap((job) => {
      const begin = round % all.length
      return [...all.slice(begin), ...all.slice(0, begin)].map((peer) => ({ peer, job }))
    }),
  ).flat()
}

async function runAll(turns: readonly Turn[], punches: number, options: BenchOptions): Promise<Ran> {
  const { folder, quick, say } = options
  const ran: Ran = { runs: [], failed: [] }
  let next = 0
  const work = async (): Promise<void> => {
    for (let index = next++; index < turns.length; index = next++) {
      const { peer, job } = turns[index]!
      const own = join(folder, String(index))
      try {
        const run = await runJob(peer, job, punches, own)
        ran.runs.push(run)
        say(`peers ${index + 1}/${turns.length} ${storyOf(run)}`)
      } catch (error) {
        // What is wrong with others is told; what is wrong with us, or with what the others are held against, ends it.
        if (peer === punchd || peer.name === CONTROL) throw error
        ran.failed.push(`${peer.name}, ${job}: did not run: ${messageOf(error)}`)
      }
      rmSync(own, { recursive: true, force: true })
    }
  }
  await Promise.all(Array.from({ length: quick ? AT_ONCE_QUICK : 1 }, work))
  return ran
}

function storyOf({ peer, job, accepted, lost, again, twice }: Run): string {
  return `${peer}, ${job}: ${accepted} accepted, ${lost} lost, ${again + twice} again`
}

/** It keeps all in memory: who does not see that a kill loses it would not see anything else. */
function checkControl(runs: readonly Run[]): void {
  const control = runs.find(({ peer, job }) => peer === CONTROL && job === 'kill')
  if (control === undefined || control.accepted === 0 || control.lost < control.accepted)
    throw new Error(`peers: the control was not found out, this run proves nothing: ${JSON.stringify(control)}`)
}
