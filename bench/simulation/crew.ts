/** Plays many seeds, several at once. Which process plays a seed changes nothing of it. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { programFile, start } from '../child.js'
import type { Planted } from './controls.js'
import type { SeedResult } from './seed.js'
import type { Order } from './worker.js'

export class Crew {
  readonly #all: readonly ChildProcess[]

  /** `folder`: empty. */
  constructor(folder: string, count: number) {
    this.#all = Array.from({ length: count }, (_, index) => {
      const own = join(folder, `worker-${index}`)
      mkdirSync(own)
      const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
      const args = [programFile('simulation/worker'), own]
      return start(process.execPath, args, { stdio: [...stdio], serialization: 'advanced' })
    })
  }

  /** Plays `seeds` and shows each result as it comes, until `take` has enough. */
  async play(
    seeds: Iterable<number>,
    planted: Planted | undefined,
    take: (result: SeedResult) => 'more' | 'enough',
  ): Promise<void> {
    const next = seeds[Symbol.iterator]()
    let over = false
    const work = async (worker: ChildProcess): Promise<void> => {
      for (let seed = next.next(); seed.done !== true && !over; seed = next.next()) {
        if (take(await asked(worker, { seed: seed.value, planted })) === 'enough') over = true
      }
    }
    await Promise.all(this.#all.map(work))
  }

  async close(): Promise<void> {
    const ended = this.#all.map((worker) => once(worker, 'close'))
    for (const worker of this.#all) worker.kill('SIGKILL')
    await Promise.all(ended)
  }
}

function asked(worker: ChildProcess, order: Order): Promise<SeedResult> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(`the process that played seed ${order.seed} ended`))
    worker.once('close', ended)
    worker.once('message', (result) => {
      worker.off('close', ended)
      // Parse boundary: our own program answers.
      resolve(result as SeedResult)
    })
    worker.send(order)
  })
}
