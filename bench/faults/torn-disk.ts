/**
 * A disk that keeps what was synced, and of the rest whatever it likes: any 512-byte sectors, in any order. Names come
 * and go in order, as in a journaling file system; a sync of a file keeps its name, and those before it.
 */
import type { Random } from '../../simulators/random.js'

const SECTOR = 512

/** What a program asked of a file, by its name from the data directory. */
export type Step =
  | { readonly kind: 'open'; readonly name: string; readonly empties: boolean }
  | { readonly kind: 'write'; readonly name: string; readonly bytes: Buffer; readonly at: number | undefined }
  | { readonly kind: 'truncate'; readonly name: string; readonly size: number }
  | { readonly kind: 'sync'; readonly name: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly name: string }
  /** Everything up to this number was promised. */
  | { readonly kind: 'promise'; readonly seq: number }

type Change = { readonly at: number; readonly bytes: Buffer } | { readonly size: number }

interface File {
  /** What is on the platter. */
  kept: Buffer
  /** What was asked since the last sync, oldest first. */
  readonly waiting: Change[]
  /** Where the next write without a place goes. */
  place: number
}

/** Gives a name to a file, or takes it away. */
interface Naming {
  readonly name: string
  readonly file: File | undefined
}

export class TornDisk {
  /** Names as the program sees them. */
  readonly #names = new Map<string, File>()
  /** Names as they are on the platter. */
  readonly #kept = new Map<string, File>()
  readonly #waiting: Naming[] = []

  /** A disk that holds these files, all of it synced. */
  constructor(files: ReadonlyMap<string, Buffer>) {
    for (const [name, kept] of files) {
      const file: File = { kept, waiting: [], place: 0 }
      this.#names.set(name, file)
      this.#kept.set(name, file)
    }
  }

  take(step: Step): void {
    if (step.kind === 'promise') return
    const file = this.#names.get(step.name)
    if (step.kind === 'open') return this.#open(step.name, step.empties)
    if (step.kind === 'sync') return this.#sync(step.name, file)
    if (!file) throw new Error(`${step.kind} of ${step.name}, which is not there`)
    if (step.kind === 'write') {
      const { bytes, at = file.place } = step
      file.waiting.push({ at, bytes })
      file.place = at + bytes.length
    } else if (step.kind === 'truncate') file.waiting.push({ size: step.size })
    else {
      this.#name(step.name, undefined)
      if (step.kind === 'rename') this.#name(step.to, file)
    }
  }

  #open(name: string, empties: boolean): void {
    const known = this.#names.get(name)
    if (!known) this.#name(name, { kept: Buffer.alloc(0), waiting: [], place: 0 })
    else if (empties) known.waiting.push({ size: 0 })
    if (known) known.place = 0
  }

  #name(name: string, file: File | undefined): void {
    this.#waiting.push({ name, file })
    named(this.#names, { name, file })
  }

  /** Of a directory, when there is no such file: then every name is kept. */
  #sync(name: string, file: File | undefined): void {
    const upTo = file ? this.#waiting.findLastIndex((naming) => naming.file === file) + 1 : this.#waiting.length
    if (!file && name !== '') return
    for (const naming of this.#waiting.splice(0, upTo)) named(this.#kept, naming)
    if (!file) return
    file.kept = file.waiting.reduce((bytes, change) => changed(bytes, change, () => true), file.kept)
    file.waiting.length = 0
  }

  /** What may be found after a cut now. */
  left(random: Random): Map<string, Buffer> {
    const names = new Map(this.#kept)
    const many = Math.floor(random() * (this.#waiting.length + 1))
    for (const naming of this.#waiting.slice(0, many)) named(names, naming)
    // Nothing, all, and everything in between: each disk has its own habits.
    const share = [0, 0.1, 0.5, 0.9, 1][Math.floor(random() * 5)] ?? 0
    const reached = (): boolean => random() < share
    const contentOf = (file: File): Buffer =>
      file.waiting.reduce((bytes, change) => changed(bytes, change, reached), file.kept)
    return new Map([...names].map(([name, file]) => [name, contentOf(file)]))
  }

  /** True while something is not synced. */
  get isUnsure(): boolean {
    return this.#waiting.length > 0 || [...this.#names.values()].some(({ waiting }) => waiting.length > 0)
  }
}

function named(names: Map<string, File>, { name, file }: Naming): void {
  if (file) names.set(name, file)
  else names.delete(name)
}

/** With as much of the change as `reached` lets through, sector by sector. Never changes `bytes` itself. */
function changed(bytes: Buffer, change: Change, reached: () => boolean): Buffer {
  if ('size' in change) return reached() ? resized(bytes, change.size) : bytes
  const { at, bytes: added } = change
  let after: Buffer | undefined
  for (let from = 0; from < added.length;) {
    const to = Math.min(added.length, from + SECTOR - ((at + from) % SECTOR))
    if (reached()) {
      after ??= Buffer.from(bytes)
      if (after.length < at + to) after = resized(after, at + to)
      added.copy(after, at + from, from, to)
    }
    from = to
  }
  return after ?? bytes
}

/** Longer with zeros, as a hole reads. */
function resized(bytes: Buffer, size: number): Buffer {
  const after = Buffer.alloc(size)
  bytes.copy(after)
  return after
}
