/** What a program asked of its files, from what strace wrote down: `strace -y -xx`, one thread. */
import { createReadStream } from 'node:fs'
import { relative } from 'node:path'
import { createInterface } from 'node:readline'
import type { Step } from './torn-disk.js'

export const TRACED = 'openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,unlink'
/** A call with its first argument a file that is open. */
const ON_FILE = /^(write|pwrite64|ftruncate|fsync|fdatasync)\((\d+)<([^>]*)>(?:, (.*))?\) += (-?\d+)/
const OPEN = /^openat\(AT_FDCWD(?:<[^>]*>)?, "([^"]*)", ([A-Z_|]+)(?:, \d+)?\) += \d+</
const BY_NAME = /^(rename|unlink)\("([^"]*)"(?:, "([^"]*)")?\) += 0/
const STDOUT = '1'

/** The steps on files in `folder`, and what was promised on standard output: a number on a line. */
export async function stepsIn(trace: string, folder: string): Promise<Step[]> {
  const steps: Step[] = []
  for await (const line of createInterface({ input: createReadStream(trace), crlfDelay: Infinity })) {
    const step = stepIn(line, folder)
    // The shared memory of the write-ahead log is made anew at every start.
    if (step && !('name' in step && step.name.endsWith('-shm'))) steps.push(step)
  }
  return steps
}

function stepIn(line: string, folder: string): Step | undefined {
  const inside = (hex: string): string | undefined => {
    const name = relative(folder, textOf(hex))
    return name.startsWith('..') ? undefined : name
  }
  const [, call = '', descriptor = '', path = '', rest = '', result = ''] = ON_FILE.exec(line) ?? []
  if (call === 'write' && descriptor === STDOUT) return promiseIn(rest)
  if (call !== '') {
    const name = inside(path)
    return name === undefined || Number(result) < 0 ? undefined : onFile(call, name, rest, Number(result))
  }
  const [, opened = '', flags = ''] = OPEN.exec(line) ?? []
  if (opened !== '') return openedIn(inside(opened), flags.split('|'))
  const [, act = '', from = '', to = ''] = BY_NAME.exec(line) ?? []
  const name = act === '' ? undefined : inside(from)
  if (name === undefined) return undefined
  return act === 'unlink' ? { kind: 'unlink', name } : { kind: 'rename', name, to: inside(to) ?? name }
}

function onFile(call: string, name: string, rest: string, result: number): Step {
  if (call === 'ftruncate') return { kind: 'truncate', name, size: Number(rest) }
  if (call !== 'write' && call !== 'pwrite64') return { kind: 'sync', name: isFolder(name) ? '' : name }
  const [, hex = '', at] = /^"([^"]*)", \d+(?:, (\d+))?$/.exec(rest) ?? []
  const bytes = bytesOf(hex)
  if (bytes.length !== result) throw new Error(`${bytes.length} bytes in the trace of a write of ${result}`)
  return { kind: 'write', name, bytes, at: at === undefined ? undefined : Number(at) }
}

function openedIn(name: string | undefined, flags: readonly string[]): Step | undefined {
  if (name === undefined || !flags.includes('O_CREAT')) return undefined
  return { kind: 'open', name, empties: flags.includes('O_TRUNC') }
}

function promiseIn(rest: string): Step | undefined {
  const [, hex = ''] = /^"([^"]*)"/.exec(rest) ?? []
  const seq = Number(textOf(hex).trim())
  return Number.isInteger(seq) && seq > 0 ? { kind: 'promise', seq } : undefined
}

/** Of what lies in the data directory, only folders have no end. */
function isFolder(name: string): boolean {
  return name === '' || name === 'keys'
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
}

function textOf(hex: string): string {
  return bytesOf(hex).toString('utf8')
}
