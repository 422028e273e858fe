/** Plays many seeds, as many at once as there are cores. Which thread plays a seed changes nothing of it. */
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { programFile } from '../child.js'
import type { Planted } from './controls.js'
import type { SeedResult } from './seed.js'
import type { Order } from './worker.js'

const MOST_THREADS = 8

export class Crew {
  readonly #all: readonly Worker[]

  /** `folder`: empty. */
  constructor(folder: string) {
    const count = Math.min(availableParallelism(), MOST_THREADS)
    this.#all = Array.from({ length: count }, (_, index) => {
      const own = join(folder, `thread-${index}`)
      mkdirSync(own)
      return new Worker(programFile('simulation/worker'), { workerData: { folder: own } })
    })
  }

  /** Plays `seeds` and shows each result as it comes, until `enough` says so. */
  async play(
    seeds: Iterable<number>,
    planted: Planted | undefined,
    take: (result: SeedResult) => 'more' | 'enough',
  ): Promise<void> {
    const next = seeds[Symbol.iterator]()
    let over = false
    const work = async (worker: Worker): Promise<void> => {
      for (let seed = next.next(); seed.done !== true && !over; seed = next.next()) {
        if (take(await asked(worker, { seed: seed.value, planted })) === 'enough') over = true
      }
    }
    await Promise.all(this.#all.map(work))
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()))
  }
}

function asked(worker: Worker, order: Order): Promise<SeedResult> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(error)
    worker.once('error', failed)
    worker.once('message', (result: SeedResult) => {
      worker.off('error', failed)
      resolve(result)
    })
    worker.postMessage(order)
  })
}
