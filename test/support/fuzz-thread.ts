/** Fuzzes one codec and watches it: an input that takes seconds is a hang, and is named. */
import { Worker } from 'node:worker_threads'
import { bytesOf, readVectors } from '../conformance/files.js'
import { CODECS } from './codecs.js'
import { inputOf, type Fuzzed } from './fuzz.js'

export interface FuzzTask {
  /** Of a driver, or of a fault in codecs/faulty.ts. */
  readonly name: string
  readonly seed: number
  readonly inputs: number
  /** Four bytes that hold the number of the input under way. */
  readonly progress: SharedArrayBuffer
}

const LOOK_MS = 250
/** Far beyond what any input takes on a machine that is busy with other things. */
const HUNG_MS = 5_000

/** Resolves with what was found; a hang is found too. Rejects only when the thread cannot run. */
export async function fuzzApart(name: string, seed: number, inputs: number): Promise<Fuzzed> {
  const progress = new SharedArrayBuffer(4)
  const counter = new Int32Array(progress)
  const workerData: FuzzTask = { name, seed, inputs, progress }
  const begun = performance.now()
  const worker = new Worker(new URL('./fuzz-worker.js', import.meta.url), { workerData })
  let watch: NodeJS.Timeout | undefined
  try {
    return await new Promise<Fuzzed>((resolve, reject) => {
      let last = -1
      let since = performance.now()
      watch = setInterval(() => {
        const input = Atomics.load(counter, 0)
        if (input !== last) since = performance.now()
        last = input
        if (performance.now() - since > HUNG_MS) resolve(hung(name, seed, inputs, input, performance.now() - begun))
      }, LOOK_MS)
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  } finally {
    clearInterval(watch)
    await worker.terminate()
  }
}

function hung(name: string, seed: number, inputs: number, input: number, ms: number): Fuzzed {
  const driver = CODECS.find((codec) => codec.driver === name)?.driver ?? 'rdm6300'
  const vectors = readVectors(`drivers/${driver}`).map(({ hex }) => bytesOf(hex))
  const hex = Buffer.from(inputOf(vectors, seed, input)).toString('hex')
  const failure = { input, what: 'hung', detail: `no end after ${HUNG_MS} ms`, hex } as const
  return { inputs, bytes: 0, claims: 0, failures: [failure], ms }
}
