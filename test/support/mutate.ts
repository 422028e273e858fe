/** Inputs that look almost like what a device sends: the vectors of a driver, bent. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { between, randomBytes, type Random } from '../../simulators/random.js'
import { root } from './root.js'

/** The byte strings of a driver's vectors.json. */
export function vectorBytes(driver: string): Uint8Array[] {
  const vectors = JSON.parse(readFileSync(join(root, 'drivers', driver, 'vectors.json'), 'utf8')) as { hex: string }[]
  return vectors.map(({ hex }) => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex')))
}

/** One input of one to three bent vectors, cut, joined, repeated, with noise, wrong bits and other lengths. */
export function mutated(random: Random, vectors: readonly Uint8Array[]): Uint8Array {
  const parts = Array.from({ length: between(random, 1, 3) }, () =>
    bent(random, vectors[between(random, 0, vectors.length - 1)] ?? new Uint8Array()),
  )
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

function bent(random: Random, vector: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(vector)
  const at = between(random, 0, Math.max(0, bytes.length - 1))
  switch (between(random, 0, 7)) {
    case 0:
      return bytes
    case 1:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << between(random, 0, 7))
      return bytes
    case 2:
      bytes[at] = between(random, 0, 255)
      return bytes
    case 3:
      return bytes.slice(0, at)
    case 4:
      return bytes.slice(at)
    case 5:
      return Uint8Array.from([...bytes.slice(0, at), ...randomBytes(random, between(random, 1, 8)), ...bytes.slice(at)])
    case 6:
      return Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - 4)), ...bytes])
    default:
      return randomBytes(random, between(random, 1, 40))
  }
}
