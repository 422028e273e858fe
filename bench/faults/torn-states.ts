/** Cuts at many moments of one recording, and what the journal makes of each. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { Journal } from '../../src/journal/journal.js'
import { between, type Random } from '../../simulators/random.js'
import { TornDisk, type Step } from './torn-disk.js'
import { IDENTITY, punchDraftOf } from './torn-records.js'

export interface TornOptions {
  /** The data directory before the first step. */
  readonly before: ReadonlyMap<string, Buffer>
  readonly steps: readonly Step[]
  /** The data directory as it was in the end, with every record. */
  readonly final: string
  /** Where states are laid out, one after the other. */
  readonly work: string
  readonly random: Random
}

export interface TornFindings {
  readonly steps: number
  states: number
  unsure: number
  inCheckpoints: number
  lost: number
  changed: number
  refused: number
  doubted: number
  readonly violations: string[]
}

/** This share of the cuts is looked for where the database file itself is written. */
const IN_CHECKPOINTS = 0.3
const DATABASE = 'journal.db'
const SAY_EVERY = 50
/** All records of every tenth state are opened, of the others the newest. */
const WHOLE_EVERY = 10
const NEWEST = 50
const MOST_TOLD = 10

export class TornStates {
  readonly #options: TornOptions
  /** Hash by number: what each record must be. */
  readonly #hashes: ReadonlyMap<number, string>
  readonly #found: TornFindings

  constructor(options: TornOptions) {
    this.#options = options
    this.#hashes = hashesIn(join(options.final, DATABASE))
    const none = { states: 0, unsure: 0, inCheckpoints: 0, lost: 0, changed: 0, refused: 0, doubted: 0 }
    this.#found = { steps: options.steps.length, ...none, violations: [] }
  }

  look(states: number, say: (done: number) => void): TornFindings {
    const { before, steps } = this.#options
    const disk = new TornDisk(before)
    let promised = 0
    const cuts = this.#cuts(states)
    for (const [at, step] of steps.entries()) {
      for (; cuts[0] === at; cuts.shift()) {
        if ('name' in step && step.name === DATABASE) this.#found.inCheckpoints += 1
        this.#cut(disk, at, promised)
        if (this.#found.states % SAY_EVERY === 0) say(this.#found.states)
      }
      disk.take(step)
      if (step.kind === 'promise') promised = step.seq
    }
    rmSync(this.#options.work, { recursive: true, force: true })
    return this.#found
  }

  /** Numbers of the steps before which the power goes, in order. */
  #cuts(states: number): number[] {
    const { steps, random } = this.#options
    const all = [...steps.keys()]
    const checkpoints = all.filter((at) => {
      const step = steps[at]
      return step?.kind === 'write' && step.name === DATABASE
    })
    return Array.from({ length: states }, () => {
      const from = random() < IN_CHECKPOINTS && checkpoints.length > 0 ? checkpoints : all
      return from[between(random, 0, from.length - 1)] ?? 0
    }).sort((a, b) => a - b)
  }

  #cut(disk: TornDisk, at: number, promised: number): void {
    const { work, random } = this.#options
    this.#found.states += 1
    if (disk.isUnsure) this.#found.unsure += 1
    rmSync(work, { recursive: true, force: true })
    for (const [name, bytes] of disk.left(random)) {
      mkdirSync(dirname(join(work, name)), { recursive: true })
      writeFileSync(join(work, name), bytes, { mode: 0o600 })
    }
    try {
      this.#open(at, promised)
    } catch (error) {
      this.#tell('refused', at, error instanceof Error ? error.message : String(error))
    }
  }

  #open(at: number, promised: number): void {
    const journal = new Journal(join(this.#options.work, DATABASE), IDENTITY)
    try {
      const { lastSeq, state, head } = journal
      const newest = state.begun?.lastSeq ?? lastSeq
      if (newest < promised) return this.#tell('lost', at, `${promised} was promised, ${newest} is the newest`)
      if (state.begun) return this.#tell('doubted', at, `${state.begun.reason}, at ${newest}`)
      if (lastSeq > 0 && head.hash.toString('hex') !== this.#hashes.get(lastSeq))
        return this.#tell('changed', at, `record ${lastSeq}`)
      const after = this.#found.states % WHOLE_EVERY === 0 ? 0 : Math.max(0, lastSeq - NEWEST)
      const [damage] = journal.check(after, lastSeq - after + 1).damages
      if (damage) return this.#tell('refused', at, `record ${damage.seq} is damaged: ${damage.what}`)
      journal.append([punchDraftOf(lastSeq + 1, 0)])
    } finally {
      journal.close()
    }
  }

  #tell(what: 'lost' | 'changed' | 'refused' | 'doubted', at: number, detail: string): void {
    this.#found[what] += 1
    if (this.#found.violations.length < MOST_TOLD) this.#found.violations.push(`${what} at step ${at}: ${detail}`)
  }
}

function hashesIn(file: string): Map<number, string> {
  const db = new Database(file)
  const rows = db.prepare<[], { seq: number; hash: Buffer }>('SELECT seq, hash FROM record').all()
  db.close()
  return new Map(rows.map(({ seq, hash }) => [seq, hash.toString('hex')]))
}
