/** What the kernel says about a process. */
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Resident memory; `anon` is the process's own, `file` are pages of its program and libraries. */
export interface Memory {
  readonly rssKb: number
  readonly anonKb: number
  readonly fileKb: number
}

export function memoryOf(child: ChildProcess): Memory {
  const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8')
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? Number.NaN)
  return { rssKb: field('VmRSS'), anonKb: field('RssAnon'), fileKb: field('RssFile') }
}

/**
 * The most that this process ever held. Not `maxRSS` of getrusage(2): across exec(2) that keeps what the process that
 * started this one held.
 */
export function peakRssKb(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? Number.NaN)
}

/** CPU time so far, user and system, in ticks of 10 ms. */
export function ticksOf(child: ChildProcess): number {
  const stat = readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8')
  // The name in parentheses may hold blanks; what follows are fields 3 and on. [proc(5)]
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
