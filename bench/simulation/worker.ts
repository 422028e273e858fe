/** Plays the seeds that it is given, one after the other. Each thread has its own world: its `Math.random`, its SQLite. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Planted } from './controls.js'
import { runSeed } from './seed.js'

export interface Order {
  readonly seed: number
  readonly planted: Planted | undefined
}

const { folder } = workerData as { readonly folder: string }

parentPort?.on('message', ({ seed, planted }: Order) => {
  // runSeed does not reject: what breaks down is a result, too.
  void runSeed({ seed, folder, planted }).then((result) => parentPort?.postMessage(result))
})
