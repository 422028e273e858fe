/**
 * What the copy of the daemon calls at its points, in every thread: it counts, and ends the process by SIGKILL at the
 * pass that was asked for.
 */
import { writeSync } from 'node:fs'

/** `NAME:N`: dies at the N-th pass of that point. */
const { TORTURE_POINT = '', TORTURE_TOLD, TORTURE_HOUR_MS } = process.env
const TOLD = 4
const HOUR_MS = 3_600_000

const [wanted, nth] = [TORTURE_POINT.replace(/:\d+$/, ''), Number(/\d+$/.exec(TORTURE_POINT)?.[0])]
const passes = new Map<string, number>()

export function passPoint(name: string): void {
  const count = (passes.get(name) ?? 0) + 1
  passes.set(name, count)
  if (name === wanted && count === nth) process.kill(process.pid, 'SIGKILL')
  // Not each: a pipe that is full would stop the daemon.
  if (TORTURE_TOLD !== undefined && (count & (count - 1)) === 0) writeSync(TOLD, `${name} ${count}\n`)
}

// What is done by the hour cannot be waited for.
if (TORTURE_HOUR_MS !== undefined) {
  const { setInterval } = globalThis
  const faster = (act: () => void, ms?: number): NodeJS.Timeout =>
    setInterval(act, ms === HOUR_MS ? Number(TORTURE_HOUR_MS) : ms)
  globalThis.setInterval = faster
}
