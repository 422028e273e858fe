/** A Node that does nothing: what everything else is compared with. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from './child.js'
import { memoryOf } from './proc.js'

const SETTLE_MS = 500

export function startBareNode(): ChildProcess {
  return start(process.execPath, ['-e', 'setInterval(()=>{},1e9)'], { stdio: 'ignore' })
}

/** Its resident memory in kB. */
export async function bareNode(): Promise<number> {
  const child = startBareNode()
  await sleep(SETTLE_MS)
  const { rssKb } = memoryOf(child)
  child.kill('SIGKILL')
  await once(child, 'close')
  return rssKb
}

/** Milliseconds until one has run its first line. */
export async function bareStart(): Promise<number> {
  const begun = performance.now()
  const child = start(process.execPath, ['-e', 'process.stdout.write("up")'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout!, 'data')
  const ms = performance.now() - begun
  await once(child, 'close')
  return ms
}
