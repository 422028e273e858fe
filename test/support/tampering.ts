/** What can be done to an export, and what a verifier has to call it. */
import { randomUUID, randomBytes, type KeyObject } from 'node:crypto'
import { between, type Random } from '../../simulators/random.js'
import type { Anchor } from '../../src/journal/anchor.js'
import { hashOf } from '../../src/journal/proof.js'
import type { Json } from '../../src/journal/canonical.js'
import type { JsonObject } from '../../src/verify/line.js'
import type { Kind } from '../../src/verify/verify.js'
import {
  anchorOf,
  bytesOf,
  forgedPunch,
  hashIn,
  parsed,
  proofIn,
  rechained,
  sealed,
  seqIn,
  spoilt,
  summaryFor,
  ZEROS,
  type Export,
} from './forge.js'

export interface Tampered {
  readonly file: Buffer
  readonly kind: Kind
  /** Which number must be named; absent where the class alone is certain. */
  readonly seq?: number | undefined
  readonly anchor?: Anchor
}

/** Undefined when it cannot be done to this export. */
export type Tampering = (original: Export, random: Random, other: KeyObject) => Tampered | undefined

type Mode = (tools: Tools) => Omit<Tampered, 'file'> & { readonly lines?: readonly string[]; readonly file?: Buffer } | undefined // prettier-ignore

/** An export on the bench. */
class Tools {
  readonly records: readonly string[]
  readonly summary: string
  readonly signing: KeyObject
  readonly other: KeyObject
  readonly random: Random

  constructor({ records, summary, signing }: Export, random: Random, other: KeyObject) {
    this.records = records
    this.summary = summary
    this.signing = signing
    this.random = random
    this.other = other
  }

  get all(): string[] {
    return [...this.records, this.summary]
  }

  between(low: number, high: number): number {
    return between(this.random, low, high)
  }

  one<T>(values: readonly T[]): T {
    return values[this.between(0, values.length - 1)]!
  }

  /** Place of a record. */
  place(low = 0, high = this.records.length - 1): number {
    return this.between(low, high)
  }

  /** The number expected at a place. */
  expected(place: number): number {
    return place === 0 ? seqIn(this.records[0]!) : seqIn(this.records[place - 1]!) + 1
  }

  isBeginning(place: number): boolean {
    const record = this.records[place]
    return record !== undefined && proofIn(record)['prevHash'] === ZEROS
  }

  with(place: number, ...instead: string[]): string[] {
    return [...this.records.slice(0, place), ...instead, ...this.records.slice(place + 1), this.summary]
  }

  behind(place: number, ...added: string[]): string[] {
    return [...this.records.slice(0, place), ...added, ...this.records.slice(place), this.summary]
  }

  /** The record with one thing in its evidence changed. */
  changed(place: number): JsonObject {
    const record = parsed(this.records[place]!)
    if (record['schema'] === 'erased/1') {
      return { ...record, proof: { ...(record['proof'] as JsonObject), commit: randomBytes(32).toString('hex') } }
    }
    const keys = Object.keys(record).filter((key) => !['seq', 'proof', 'delivery', 'time'].includes(key))
    const key = this.one(keys)
    const doing = this.between(0, 9)
    if (doing === 0) return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key || name === 'schema').map(([name, value]) => [name, name === 'schema' && key === 'schema' ? 'x/1' : value])) // prettier-ignore
    if (doing === 1) return { ...record, added: 'word' }
    return { ...record, [key]: this.#other(record[key] ?? null) }
  }

  #other(value: Json): Json {
    if (typeof value === 'string') return value === '' ? 'x' : `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}`
    if (typeof value === 'number') return value + this.one([1, -1, 1e6])
    if (typeof value === 'boolean') return !value
    if (value === null) return this.one<Json>(['x', 0, false])
    if (Array.isArray(value)) return [...(value as Json[]), 1]
    const entries = Object.entries(value as JsonObject)
    if (entries.length === 0) return { x: 1 }
    const at = this.between(0, entries.length - 1)
    return Object.fromEntries(entries.map(([key, member], index) => [key, index === at ? this.#other(member ?? null) : (member ?? null)])) // prettier-ignore
  }
}

const EDITS: readonly Mode[] = [
  (tools) => {
    const place = tools.place()
    const line = JSON.stringify(tools.changed(place))
    return { lines: tools.with(place, line), kind: 'edited', seq: seqIn(tools.records[place]!) }
  },
  // With a new hash over the new content, but nobody to sign it.
  (tools) => {
    const place = tools.place()
    if (tools.isBeginning(place + 1)) return undefined
    const changed = tools.changed(place)
    const { prevHash = '', sig } = proofIn(tools.records[place]!)
    const line = parsed(sealed(changed, prevHash, tools.other))
    const text = JSON.stringify({ ...line, proof: { ...(line['proof'] as JsonObject), sig } })
    return { lines: tools.with(place, text), kind: 'edited', seq: seqIn(tools.records[place]!) }
  },
  (tools) => {
    const place = tools.place()
    const record = parsed(tools.records[place]!)
    const proof = proofIn(tools.records[place]!)
    const name = tools.one(Object.keys(proof).filter((key) => key !== 'sig'))
    // Without its zeros nobody can tell that a journal began here.
    const leaps = seqIn(tools.records[place]!) !== tools.expected(place)
    if (name === 'prevHash' && leaps) return undefined
    const line = JSON.stringify({ ...record, proof: { ...proof, [name]: spoilt(proof[name]!, tools.random) } })
    return { lines: tools.with(place, line), kind: 'edited', seq: seqIn(tools.records[place]!) }
  },
  // No JSON any more, or JSON that says two things.
  (tools) => {
    const place = tools.place(1)
    const line = tools.records[place]!
    const instead = tools.one([
      `[${line}`,
      line.slice(1),
      `{"verdict":"unknown","verdict":"accepted",${line.slice(1)}`,
      '{}',
    ])
    return { lines: tools.with(place, instead), kind: 'edited', seq: tools.expected(place) }
  },
  (tools) => {
    const place = tools.place(1)
    if (tools.isBeginning(place) || tools.isBeginning(place + 1)) return undefined
    const record = parsed(tools.records[place]!)
    const seq = seqIn(tools.records[place]!) + tools.one([1, 2, 500, -1])
    if (seq < 1) return undefined
    return { lines: tools.with(place, JSON.stringify({ ...record, seq })), kind: 'edited', seq: tools.expected(place) }
  },
  (tools) => {
    const summary = parsed(tools.summary)
    const key = tools.one(['count', 'to', 'from', 'head'])
    const value = key === 'head' ? ZEROS : Number(summary[key]) + tools.one([1, -1])
    const lines = [...tools.records, JSON.stringify({ ...summary, [key]: value })]
    return { lines, kind: 'edited', seq: seqIn(tools.records.at(-1)!) }
  },
]

const DELETIONS: readonly Mode[] = [
  (tools) => {
    const place = tools.place(0, tools.records.length - 2)
    const many = tools.between(1, Math.min(3, tools.records.length - 1 - place))
    const lines = [...tools.records.slice(0, place), ...tools.records.slice(place + many), tools.summary]
    return { lines, kind: 'deleted', seq: tools.expected(place) }
  },
]

const INSERTIONS: readonly Mode[] = [
  // A copy, behind itself or in front.
  (tools) => {
    const place = tools.place()
    const at = tools.between(1, tools.records.length)
    const line = tools.records[place]!
    return { lines: tools.behind(at, line), kind: 'inserted', seq: seqIn(line) }
  },
  // A new record that fits, signed by another key.
  (tools) => {
    const at = tools.between(1, tools.records.length)
    if (tools.isBeginning(at)) return undefined
    const line = sealed(forgedPunch(tools.expected(at)), hashIn(tools.records[at - 1]), tools.other)
    return { lines: tools.behind(at, line), kind: 'inserted', seq: tools.expected(at) }
  },
  // One that fits nowhere, with any number.
  (tools) => {
    const at = tools.between(1, tools.records.length)
    if (tools.isBeginning(at)) return undefined
    const seq = tools.one([tools.expected(at), tools.expected(at) + 1_000, seqIn(tools.records[0]!)])
    const key = seq > tools.expected(at) ? tools.other : tools.one([tools.signing, tools.other])
    const line = sealed(forgedPunch(seq), randomBytes(32).toString('hex'), key)
    return { lines: tools.behind(at, line), kind: 'inserted', seq }
  },
  (tools) => {
    const first = seqIn(tools.records[0]!)
    const seq = tools.one([first, Math.max(1, first - 1)])
    const line = sealed(forgedPunch(seq), tools.one([ZEROS, randomBytes(32).toString('hex')]), tools.other)
    return { lines: tools.behind(0, line), kind: 'inserted', seq }
  },
  (tools) => ({
    lines: [...tools.all, tools.one(tools.records)],
    kind: 'inserted',
  }),
]

const SWAPS: readonly Mode[] = [
  (tools) => {
    const one = tools.place(0, tools.records.length - 2)
    const two = tools.one([one + 1, tools.place(one + 1)])
    const lines = tools.all
    lines[one] = tools.records[two]!
    lines[two] = tools.records[one]!
    return { lines, kind: 'reordered', seq: one === 0 ? undefined : tools.expected(one) }
  },
  // One taken from its place and put in further down.
  (tools) => {
    const place = tools.place(1, tools.records.length - 2)
    const to = tools.place(place + 1)
    const line = tools.records[place]!
    const lines = [...tools.records.slice(0, place), ...tools.records.slice(place + 1, to + 1), line]
    return {
      lines: [...lines, ...tools.records.slice(to + 1), tools.summary],
      kind: 'reordered',
      seq: tools.expected(place),
    }
  },
]

const RETIMINGS: readonly Mode[] = [
  (tools) => {
    const punches = tools.records.flatMap((line, place) => (parsed(line)['schema'] === 'punch/1' ? [place] : []))
    if (punches.length === 0) return undefined
    const place = tools.one(punches)
    const record = parsed(tools.records[place]!)
    const { wall, errorMs } = record['clock'] as { wall: number; errorMs: number | null }
    const isCorrected = tools.records.some(
      (line) => parsed(line)['of'] === record['id'] && parsed(line)['time'] !== undefined,
    )
    if (errorMs === null && !isCorrected) return undefined
    const by = (errorMs ?? 0) + 1_001 + tools.between(0, 3_600_000)
    const from = isCorrected ? Date.parse(record['time'] as string) + 86_400_000 : wall
    const time = tools.one([new Date(from + by).toISOString(), new Date(from - by).toISOString(), undefined, 'noon', 5])
    return {
      lines: tools.with(place, JSON.stringify({ ...record, time })),
      kind: 're-timed',
      seq: seqIn(tools.records[place]!),
    }
  },
]

const RESIGNINGS: readonly Mode[] = [
  (tools) => {
    const place = tools.place()
    const record = parsed(tools.records[place]!)
    const proof = proofIn(tools.records[place]!)
    const sig = tools.one([
      proofIn(sealed(record, proof['prevHash']!, tools.other))['sig']!,
      spoilt(proof['sig']!, tools.random),
      '',
    ])
    const line = JSON.stringify({ ...record, proof: { ...proof, sig } })
    return { lines: tools.with(place, line), kind: 're-signed', seq: seqIn(tools.records[place]!) }
  },
  // All from here on, written anew and signed by another key, sometimes as a journal of its own.
  (tools) => {
    const place = tools.place()
    const rest = tools.records.slice(place).map(parsed)
    const begin = place === 0 ? proofIn(tools.records[0]!)['prevHash']! : hashIn(tools.records[place - 1])
    const changed = rest.map((record) => (record['schema'] === 'punch/1' ? { ...record, verdict: 'repeat' } : record))
    const from = tools.one([begin, ZEROS])
    const lines = [...tools.records.slice(0, place), ...rechained(changed, from, tools.other)]
    const leaps = seqIn(tools.records[place]!) !== tools.expected(place)
    if (leaps) return undefined
    return { lines: [...lines, summaryFor(lines, tools.other)], kind: 're-signed', seq: seqIn(tools.records[place]!) }
  },
  (tools) => {
    const lines = [...tools.records, summaryFor(tools.records, tools.other)]
    return { lines, kind: 're-signed', seq: seqIn(tools.records.at(-1)!) }
  },
]

const TRUNCATIONS: readonly Mode[] = [
  (tools) => {
    const kept = tools.place(1)
    const seq = seqIn(tools.records[kept - 1]!) + 1
    return { lines: tools.records.slice(0, kept), kind: 'tail-missing', seq }
  },
  (tools) => {
    const kept = tools.place(1)
    const lines = [...tools.records.slice(0, kept), tools.summary]
    return { lines, kind: 'tail-missing', seq: seqIn(tools.records[kept - 1]!) + 1 }
  },
  // In the middle of a line, as a full disk does.
  (tools) => {
    const whole = bytesOf(tools.all)
    const file = whole.subarray(0, tools.between(bytesOf(tools.records.slice(0, 1)).length, whole.length - 2))
    return { file, kind: 'tail-missing' }
  },
  // By somebody who has our key: the anchor knows better.
  (tools) => {
    const kept = tools.records.slice(0, tools.place(1))
    const lines = [...kept, summaryFor(kept, tools.signing)]
    const anchor = anchorOf(tools.records.at(-1)!)
    return { lines, kind: 'tail-missing', seq: seqIn(kept.at(-1)!) + 1, anchor }
  },
]

const FORKS: readonly Mode[] = [
  // Rewritten from here on by somebody who has our key: again it is the anchor that knows.
  (tools) => {
    const place = tools.place()
    const fork = forked(tools, place)
    const lines = [...tools.records.slice(0, place), ...fork]
    const at = tools.place(place)
    const anchor = anchorOf(tools.records[at]!)
    return { lines: [...lines, summaryFor(lines, tools.signing)], kind: 're-signed', seq: anchor.seq, anchor }
  },
  // One branch, then the other.
  (tools) => {
    const place = tools.place(0, tools.records.length - 2)
    const fork = forked(tools, place)
    const cut = tools.between(1, fork.length - 1)
    if (tools.isBeginning(place + cut)) return undefined
    const lines = [...tools.records.slice(0, place + cut), ...fork.slice(cut), tools.summary]
    return { lines, kind: 'inserted', seq: tools.expected(place + cut) }
  },
  // Both branches, one behind the other.
  (tools) => {
    const place = tools.place(0)
    const fork = forked(tools, place)
    return {
      lines: [...tools.records, ...fork, summaryFor(fork, tools.signing)],
      kind: 'inserted',
      seq: seqIn(fork[0]!),
    }
  },
]

/** Other records from this place on, with the right key. */
function forked(tools: Tools, place: number): string[] {
  const changed = tools.records.slice(place).map((line) => {
    const record = parsed(line)
    if (record['schema'] !== 'erased/1') return { ...record, id: randomUUID() }
    return {
      ...record,
      proof: { ...(record['proof'] as JsonObject), commit: hashOf(randomBytes(32), randomBytes(32)).toString('hex') },
    }
  })
  const begin = place === 0 ? proofIn(tools.records[0]!)['prevHash']! : hashIn(tools.records[place - 1])
  return rechained(changed, begin, tools.signing)
}

function oneOf(modes: readonly Mode[]): Tampering {
  return (original, random, other) => {
    const tools = new Tools(original, random, other)
    const done = tools.one(modes)(tools)
    if (!done) return undefined
    const { lines = [], ...result } = done
    return { ...result, file: result.file ?? bytesOf(lines) }
  }
}

export const TAMPERINGS: Readonly<Record<string, Tampering>> = {
  edit: oneOf(EDITS),
  delete: oneOf(DELETIONS),
  insert: oneOf(INSERTIONS),
  swap: oneOf(SWAPS),
  're-time': oneOf(RETIMINGS),
  're-sign': oneOf(RESIGNINGS),
  truncate: oneOf(TRUNCATIONS),
  fork: oneOf(FORKS),
}

/** Bits and bytes, anywhere: whatever comes of it, nobody may stumble, and both verifiers must say the same. */
export function scrambled({ records, summary }: Export, random: Random): Buffer {
  let bytes = bytesOf([...records, summary])
  for (let times = between(random, 1, 3); times > 0; times--) {
    const at = between(random, 0, bytes.length - 1)
    const doing = between(random, 0, 3)
    const many = between(random, 1, 40)
    if (doing === 0) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + many)])
    if (doing === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - many))])
    if (doing === 2) bytes = Buffer.concat([bytes.subarray(0, at), randomBytes(many % 5), bytes.subarray(at)])
    if (doing === 3) bytes[at] = bytes[at]! ^ (1 << between(random, 0, 7))
  }
  return bytes
}
