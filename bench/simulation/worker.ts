/** Plays the seeds that it is given, one after the other. A process of its own: its `Math.random` and its SQLite are those of one seed at a time. */
import type { Planted } from './controls.js'
import { runSeed } from './seed.js'

export interface Order {
  readonly seed: number
  readonly planted: Planted | undefined
}

const folder = process.argv[2] ?? '.'

process.on('message', ({ seed, planted }: Order) => {
  // runSeed does not reject: what breaks down is a result, too.
  void runSeed({ seed, folder, planted }).then((result) => process.send?.(result))
})
