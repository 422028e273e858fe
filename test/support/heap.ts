/** Memory of a test, without what nobody holds any more. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** V8 gives its collector to a context that is made after the flag. */
export function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

/** Bytes. */
export function heapAfterCollection(): number {
  const collect = collector()
  // What the first lets go of, finalizers and weak references, the second takes.
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
