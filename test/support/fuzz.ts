/** Feeds a codec bent inputs and looks for what must never be. */
import { seeded } from '../../simulators/random.js'
import type { Codec } from './codecs.js'
import { mutated, vectorBytes } from './mutate.js'

export interface Fuzzed {
  readonly inputs: number
  /** Inputs at which something was wrong, with what; at most ten are kept. */
  readonly failures: readonly string[]
  /** Slowest input in milliseconds for each hundred bytes. */
  readonly slowest: number
  readonly mostHeld: number
}

/** A decoder lives through so many inputs, as one behind a noisy cable does. */
const LIFE = 50

export function fuzz(codec: Codec, inputs: number, seed: number): Fuzzed {
  const random = seeded(seed)
  const vectors = vectorBytes(codec.driver)
  const failures: string[] = []
  let [slowest, mostHeld] = [0, 0]
  let decoder = codec.make()
  let heard = Buffer.alloc(0)
  for (let count = 0; count < inputs; count++) {
    if (count % LIFE === 0) {
      decoder = codec.make()
      heard = Buffer.alloc(0)
    }
    const bytes = mutated(random, vectors)
    heard = Buffer.concat([heard.subarray(-3 * codec.maxHeld), bytes])
    const from = performance.now()
    const wrong = feed(codec, decoder, bytes, heard)
    slowest = Math.max(slowest, (performance.now() - from) / Math.max(1, bytes.length / 100))
    mostHeld = Math.max(mostHeld, decoder.held)
    if (wrong !== undefined && failures.length < 10) failures.push(`${wrong}: ${Buffer.from(bytes).toString('hex')}`)
  }
  return { inputs, failures, slowest, mostHeld }
}

/** What is wrong, in words. */
function feed(codec: Codec, decoder: ReturnType<Codec['make']>, bytes: Uint8Array, heard: Buffer): string | undefined {
  try {
    const frames = decoder.push(bytes)
    if (decoder.held > codec.maxHeld) return `holds ${decoder.held} bytes`
    const invented = frames.find((frame) => codec.proof?.(heard, frame) === false)
    return invented === undefined ? undefined : `believed ${invented}`
  } catch (error) {
    return `threw ${String(error)}`
  }
}
