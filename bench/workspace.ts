/** Where benches put their files: on the disk that is to be measured, and gone when the process ends. */
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statfsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { BenchError } from './outcome.js'

/** statfs(2): file systems that live in memory. */
const IN_MEMORY = new Map([
  [0x0102_1994, 'tmpfs'],
  [0x8584_58f6, 'ramfs'],
])
const CANNOT_CREATE = 73

export class Workspace {
  readonly #base: string
  readonly path: string

  /** Makes an empty folder in `base`, which is made, too, when it is not there. */
  constructor(base: string) {
    this.#base = resolve(base)
    try {
      mkdirSync(this.#base, { recursive: true })
      this.path = mkdtempSync(join(this.#base, 'run-'))
    } catch (error) {
      throw new BenchError(`cannot make a folder in ${this.#base}: ${String(error)}`, CANNOT_CREATE)
    }
    process.once('exit', () => this.remove())
  }

  /** An empty folder for one bench. */
  folder(name: string): string {
    const path = join(this.path, name)
    mkdirSync(path)
    return path
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
    try {
      rmdirSync(this.#base)
    } catch {
      // Something else lives there.
    }
  }
}

/** An fsync that goes to memory measures nothing. */
export function refuseMemory(folder: string): void {
  const kind = IN_MEMORY.get(statfsSync(folder).type)
  if (kind === undefined) return
  throw new BenchError(
    `${folder} is a ${kind}: there is no disk to measure; name a folder on one with --dir`,
    CANNOT_CREATE,
  )
}
