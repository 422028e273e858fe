/** Feeds a codec what its vectors turn into when bits flip and bytes come, go and repeat. Each input follows from seed and number. */
import { between, randomBytes, seeded, type Random } from '../../simulators/random.js'
import type { Codec, OpenCodec } from './codecs/codec.js'

export interface Failure {
  /** Number of the input in its run. */
  readonly input: number
  readonly what: 'threw' | 'hung' | 'slow' | 'held too much' | 'claimed without a valid check'
  readonly detail: string
  readonly hex: string
}

export interface Fuzzed {
  readonly inputs: number
  readonly bytes: number
  /** Claims that were made, and borne out. None at all would mean that the inputs are worthless. */
  readonly claims: number
  readonly failures: readonly Failure[]
  readonly ms: number
}

const MOST_BYTES = 2_048
/** Nothing is joined to more than this: where vectors are long, one is enough. */
const ENOUGH_BYTES = 200
const MOST_FAILURES = 5
/** No input may take longer than this; three tries, as a collection may fall into one. */
const SLOW_MS = 20
const SLOW_MS_PER_BYTE = 0.02
/** Values at which lengths and types change their meaning. */
const EDGES = [0x00, 0x01, 0x02, 0x03, 0x0d, 0x7f, 0x80, 0xd5, 0xfe, 0xff]

type Mutation = (bytes: number[], random: Random) => number[]

const MUTATIONS: readonly Mutation[] = [
  function flip(bytes, random) {
    const at = place(bytes, random)
    return bytes.map((byte, index) => (index === at ? byte ^ (1 << between(random, 0, 7)) : byte))
  },
  function edge(bytes, random) {
    const at = place(bytes, random)
    return bytes.map((byte, index) => (index === at ? (EDGES[between(random, 0, EDGES.length - 1)] ?? 0) : byte))
  },
  // Lengths stand near the beginning: one more, one less, or anything.
  function lengthField(bytes, random) {
    const at = Math.min(place(bytes, random), between(random, 0, 9))
    const by = [1, -1, between(random, 2, 255)][between(random, 0, 2)] ?? 1
    return bytes.map((byte, index) => (index === at ? (byte + by) & 0xff : byte))
  },
  function cutEnd(bytes, random) {
    return bytes.slice(0, place(bytes, random))
  },
  function cutBeginning(bytes, random) {
    return bytes.slice(place(bytes, random))
  },
  function lose(bytes, random) {
    const at = place(bytes, random)
    return [...bytes.slice(0, at), ...bytes.slice(at + between(random, 1, 4))]
  },
  function insert(bytes, random) {
    const at = place(bytes, random)
    return [...bytes.slice(0, at), ...randomBytes(random, between(random, 1, 8)), ...bytes.slice(at)]
  },
  function repeat(bytes, random) {
    const from = place(bytes, random)
    const part = bytes.slice(from, from + between(random, 1, 24))
    return [...bytes.slice(0, from), ...Array.from({ length: between(random, 1, 6) }, () => part).flat(), ...bytes.slice(from)] // prettier-ignore
  },
]

function place(bytes: readonly number[], random: Random): number {
  return between(random, 0, Math.max(0, bytes.length - 1))
}

/** One to four vectors, joined; each as it is, or with up to four things done to it. */
export function inputOf(vectors: readonly Uint8Array[], seed: number, input: number): Uint8Array {
  // The golden ratio keeps neighbouring inputs apart.
  const random = seeded(seed + Math.imul(input, 0x9e37_79b1))
  const joined: number[] = []
  const parts = between(random, 1, 4)
  for (let part = 0; part < parts && joined.length < ENOUGH_BYTES; part++) joined.push(...bent(vectors, random))
  return Uint8Array.from(joined.slice(0, MOST_BYTES))
}

function bent(vectors: readonly Uint8Array[], random: Random): number[] {
  let bytes = [...(vectors[between(random, 0, vectors.length - 1)] ?? [])]
  const times = between(random, 0, 4)
  for (let time = 0; time < times; time++)
    bytes = MUTATIONS[between(random, 0, MUTATIONS.length - 1)]?.(bytes, random) ?? bytes
  return bytes
}

/** Cut anywhere, as a wire does. */
export function piecesOf(bytes: Uint8Array, seed: number, input: number): Uint8Array[] {
  const random = seeded(seed ^ Math.imul(input, 0x85eb_ca6b))
  const pieces: Uint8Array[] = []
  for (let from = 0; from < bytes.length;) {
    const to = between(random, from + 1, bytes.length)
    pieces.push(bytes.subarray(from, to))
    from = to
  }
  return pieces
}

export interface FuzzOptions {
  readonly vectors: readonly Uint8Array[]
  readonly seed: number
  readonly inputs: number
  /** Told before each input: whoever watches sees where it stands still. */
  readonly at?: (input: number) => void
}

/** Feeds all inputs, each to a decoder of its own and all to one that lives as long as a daemon. */
export function fuzz(codec: Codec, { vectors, seed, inputs, at }: FuzzOptions): Fuzzed {
  const failures: Failure[] = []
  const long = codec.open()
  const begun = performance.now()
  let bytesFed = 0
  let claims = 0
  for (let input = 0; input < inputs && failures.length < MOST_FAILURES; input++) {
    at?.(input)
    const bytes = inputOf(vectors, seed, input)
    const pieces = codec.whole === true ? [bytes] : piecesOf(bytes, seed, input)
    bytesFed += bytes.length
    const found = judge(codec, bytes, pieces, long)
    if (typeof found === 'number') claims += found
    else failures.push({ ...found, input, hex: Buffer.from(bytes).toString('hex') })
  }
  return { inputs, bytes: bytesFed, claims, failures, ms: performance.now() - begun }
}

/** How many claims were made and borne out, or what went wrong. */
function judge(
  codec: Codec,
  bytes: Uint8Array,
  pieces: readonly Uint8Array[],
  long: OpenCodec,
): number | Pick<Failure, 'what' | 'detail'> {
  try {
    const { claims, held, ms } = timed(codec, pieces)
    if (ms > limitMs(bytes) && Math.min(timed(codec, pieces).ms, timed(codec, pieces).ms) > limitMs(bytes))
      return { what: 'slow', detail: `${Math.round(ms)} ms for ${bytes.length} bytes` }
    for (const piece of pieces) long.feed(piece)
    const most = Math.max(held, long.held)
    if (most > codec.maxHeld) return { what: 'held too much', detail: `${most} bytes, ${codec.maxHeld} allowed` }
    const invented = claims.find((claim) => !codec.bears(bytes, claim))
    return invented === undefined ? claims.length : { what: 'claimed without a valid check', detail: invented }
  } catch (error) {
    return { what: 'threw', detail: String(error) }
  }
}

function limitMs({ length }: Uint8Array): number {
  return SLOW_MS + length * SLOW_MS_PER_BYTE
}

function timed(codec: Codec, pieces: readonly Uint8Array[]): { claims: string[]; held: number; ms: number } {
  const begun = performance.now()
  const decoder = codec.open()
  const claims: string[] = []
  let held = 0
  for (const piece of pieces) {
    claims.push(...decoder.feed(piece))
    held = Math.max(held, decoder.held)
  }
  return { claims, held, ms: performance.now() - begun }
}
