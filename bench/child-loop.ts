/** Reports at a steady rate to the real journal thread and watches its own event loop: `child-loop FILE RATE SECONDS`. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { SystemClock } from '../src/clock.js'
import { JournalThread } from '../src/journal/client.js'
import { cardReport, threadOptions } from './fixture.js'
import type { Delays } from './loop.js'

/** The histogram counts from one look to the next: this much of each value is no delay. */
const LOOK_MS = 1
const WARM_UP = 50

const [file = '', rate = '', seconds = ''] = process.argv.slice(2)
const clock = new SystemClock()
const { thread } = await JournalThread.open(threadOptions(file))
let next = 0
const durable: number[] = []
const report = async (): Promise<void> => {
  const arrived = performance.now()
  const { verdict, failure } = await thread.report(cardReport(next++, clock))
  if (verdict !== 'accepted') throw new Error(`the journal answered ${verdict}: ${failure?.message ?? ''}`)
  durable.push(performance.now() - arrived)
}

await Promise.all(Array.from({ length: WARM_UP }, report))
durable.length = 0
const histogram = monitorEventLoopDelay({ resolution: LOOK_MS })
histogram.enable()
const begun = performance.now()
const reports: Promise<void>[] = []
for (let due = 0; due < Number(rate) * Number(seconds);) {
  due = Math.floor(((performance.now() - begun) / 1_000) * Number(rate))
  while (reports.length < due) reports.push(report())
  await sleep(1)
}
await Promise.all(reports)
histogram.disable()
await thread.close()
const delays: Delays = {
  loopP99Ms: histogram.percentile(99) / 1e6 - LOOK_MS,
  loopMaxMs: histogram.max / 1e6 - LOOK_MS,
  durable,
}
process.stdout.write(JSON.stringify(delays))
