/** What the kernel says about processes. */
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Resident memory; `anon` is the process's own, `file` are pages of its program and libraries. */
export interface Memory {
  readonly rssKb: number
  readonly anonKb: number
  readonly fileKb: number
  /** Most that it ever was. */
  readonly peakKb: number
}

export function memoryOf(child: ChildProcess): Memory {
  const of = fieldsOf(`/proc/${child.pid ?? 0}/status`)
  return { rssKb: of('VmRSS'), anonKb: of('RssAnon'), fileKb: of('RssFile'), peakKb: of('VmHWM') }
}

/** A process and all that it started: pages that they share count once in `pss`, as they do for whoever else has them. */
export function memoryOfTree(child: ChildProcess): {
  readonly rssKb: number
  readonly pssKb: number
  readonly processes: number
} {
  // prettier-ignore
  const all = treeOf(child.pid ?? 0).map((pid) => fieldsOf(`/proc/${pid}/smaps_rollup`))
  const sum = (name: string): number => all.reduce((total, of) => total + of(name), 0)
  return { rssKb: sum('Rss'), pssKb: sum('Pss'), processes: all.length }
}

function fieldsOf(file: string): (name: string) => number {
  const text = readFileSync(file, 'utf8')
  return (name) => Number(new RegExp(`^${name}:\\s+(\\d+)(?: kB)?$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

/** The process itself first. */
function treeOf(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const parent = Number.isInteger(pid) ? parentOf(pid) : undefined
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const below = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(below)]
  return below(root)
}

/** Undefined when it has ended meanwhile. */
function parentOf(pid: number): number | undefined {
  try {
    return fieldsOf(`/proc/${pid}/status`)('PPid')
  } catch {
    return undefined
  }
}

/** What the threads of a process and of all that it started have used so far. */
export interface Effort {
  readonly cpuMs: number
  /** Times that one of them went to sleep, and so was woken. */
  readonly sleeps: number
}

export function effortOf(child: ChildProcess): Effort {
  const threads = treeOf(child.pid ?? 0).flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`),
  )
  const cpuNs = threads.reduce(
    (sum, thread) => sum + Number(readFileSync(`${thread}/schedstat`, 'utf8').split(' ')[0]),
    0,
  )
  const sleeps = threads.reduce((sum, thread) => sum + fieldsOf(`${thread}/status`)('voluntary_ctxt_switches'), 0)
  return { cpuMs: cpuNs / 1e6, sleeps }
}

/** Bytes that a process, `self` for this one, has had the disk write so far: what the file system adds is not in it. */
export function writtenBy(pid: number | 'self'): number {
  return fieldsOf(`/proc/${pid}/io`)('write_bytes')
}

/**
 * The most that this process ever held. Not `maxRSS` of getrusage(2): across exec(2) that keeps what the process that
 * started this one held.
 */
export function peakRssKb(): number {
  return fieldsOf('/proc/self/status')('VmHWM')
}
