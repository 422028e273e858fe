/** Fuzzes one codec in a thread, as one that hangs can only be ended from outside. */
import { parentPort, workerData } from 'node:worker_threads'
import { readVectors, bytesOf } from '../conformance/files.js'
import { CODECS } from './codecs.js'
import { FAULTY } from './codecs/faulty.js'
import { fuzz } from './fuzz.js'
import type { FuzzTask } from './fuzz-thread.js'

const { name, seed, inputs, progress } = workerData as FuzzTask // Boundary of the thread.
const codec = CODECS.find(({ driver }) => driver === name) ?? Object.entries(FAULTY).find(([fault]) => fault === name)?.[1] // prettier-ignore
if (!codec) throw new Error(`there is no codec ${name}`)
const vectors = readVectors(`drivers/${codec.driver}`).map(({ hex }) => bytesOf(hex))
const counter = new Int32Array(progress)
const at = (input: number): void => void Atomics.store(counter, 0, input)
parentPort?.postMessage(fuzz(codec, { vectors, seed, inputs, at }))
