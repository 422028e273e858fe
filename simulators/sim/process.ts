/** Programs that a stage starts: they end with this process, and a Ctrl-C in the terminal does not reach them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { accessSync, constants, openSync, closeSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where Debian keeps daemons, which is not on everybody's PATH. */
const ALSO = ['/usr/sbin', '/sbin']

export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...ALSO].filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export interface OwnedOptions {
  /** Its output is appended to this file. */
  readonly log: string
  readonly env?: NodeJS.ProcessEnv
}

/** Starts a program in a process group of its own; the kernel ends it when this process is killed. */
export function spawnOwned(program: string, args: readonly string[], { log, env }: OwnedOptions): ChildProcess {
  const output = openSync(log, 'a')
  const setpriv = findProgram('setpriv')
  const [command = program, ...rest] = [
    ...(setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--']),
    program,
    ...args,
  ]
  const child = spawn(command, rest, { detached: true, stdio: ['ignore', output, output], env: env ?? process.env })
  closeSync(output)
  return child
}

/** Ends it with `signal`, with SIGKILL when it does not obey in time; resolves when it is gone. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals, patienceMs: number): Promise<void> {
  if (isOver(child)) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  const force = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await gone
  clearTimeout(force)
}

export function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined
}

/** The end of a log, to show with an error. */
export function lastLines(file: string, count: number): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n')
  } catch {
    return ''
  }
}
