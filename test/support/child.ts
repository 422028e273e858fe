/** Programs of the tests that must run in a process of their own. */
import { spawn, type ChildProcess } from 'node:child_process'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Child {
  readonly process: ChildProcess
  /** What it wrote so far. */
  readonly output: { readonly stdout: string; readonly stderr: string }
  readonly ended: Promise<Ended>
}

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** True: `process.stdin` can be written. Default: there is no input. */
  readonly input?: boolean
}

/** Starts a program without a terminal and without input. */
export function startChild(program: string, args: readonly string[], options: ChildOptions = {}): Child {
  const { input = false, ...rest } = options
  const child = spawn(program, args, { stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'], ...rest })
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => void (output.stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => void (output.stderr += text))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, ...output }))
  })
  return { process: child, output, ended }
}

/** Runs a piece of ES module code to its end. `import` paths in it are absolute URLs. */
export function startCode(code: string, wrapper: readonly string[] = [], options: ChildOptions = {}): Child {
  const words = [...wrapper, process.execPath, '--input-type=module', '-e', code]
  return startChild(words[0] ?? process.execPath, words.slice(1), options)
}

/** The URL of a compiled file of src, for the code of a child. */
export function built(path: string): string {
  return JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href)
}
