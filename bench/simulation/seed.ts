/** Runs one seed from nothing to its verdict. Whatever is random in it comes from the seed, but for ids, keys and salts. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { seeded } from '../../simulators/random.js'
import { plant, type Planted } from './controls.js'
import type { FaultKind } from './kinds.js'
import { play } from './play.js'
import type { Mode } from './plan.js'
import { Site } from './site.js'

export interface SeedOptions {
  readonly seed: number
  readonly folder: string
  readonly planted?: Planted | undefined
  /** Hears every line of the trace. */
  readonly print?: ((line: string) => void) | undefined
}

export interface SeedResult {
  readonly seed: number
  readonly mode: Mode
  readonly wrong: readonly string[]
  /** Of everything that happened. */
  readonly hash: string
  readonly faults: ReadonlyMap<FaultKind, number>
  readonly simulatedMs: number
  /** Of those a process ran for so long. */
  readonly ranMs: number
  readonly events: number
  readonly greens: number
  readonly records: number
  readonly received: number
  /** The end of the trace. */
  readonly last: readonly string[]
}

export async function runSeed({ seed, folder, planted, print }: SeedOptions): Promise<SeedResult> {
  const path = join(folder, `seed-${seed}`)
  mkdirSync(path)
  const random = seeded(seed)
  const bugs: string[] = []
  const restore = ownWorld(random, bugs)
  const unplant = plant(planted)
  const site = new Site({ random, folder: path, planted, print })
  try {
    const wrong = await play(site)
    return resultOf(site, seed, [...bugs, ...wrong])
  } catch (error) {
    return resultOf(site, seed, [
      ...bugs,
      `broke down: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
    ])
  } finally {
    unplant()
    restore()
    site.disk.retire()
    rmSync(path, { recursive: true, force: true })
  }
}

/** Pauses are spread by `Math.random`; and what nobody catches would end the daemon. Returns what puts all back. */
function ownWorld(random: () => number, bugs: string[]): () => void {
  const { random: before } = Math
  const bug = (error: unknown): void => void bugs.push(`nobody caught ${error instanceof Error ? (error.stack ?? '') : String(error)}`) // prettier-ignore
  Math.random = random
  process.on('unhandledRejection', bug)
  return () => {
    Math.random = before
    process.off('unhandledRejection', bug)
  }
}

function resultOf(
  { plan, trace, scheduler, gateway, stored, consumer }: Site,
  seed: number,
  wrong: string[],
): SeedResult {
  // What is stored is what happened, too.
  trace.note(`end: ${stored.ids.length} stored, ${consumer.received.received} received, ${wrong.length} wrong`)
  return {
    seed,
    mode: plan.mode,
    wrong,
    faults: trace.faults,
    simulatedMs: scheduler.now,
    ranMs: gateway.ranMs,
    events: scheduler.count,
    greens: stored.greens,
    records: stored.ids.length,
    received: consumer.received.received,
    last: trace.last,
    hash: trace.digest(),
  }
}
