/** Each thing that is measured runs in a process of its own, which ends with ours. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const running = new Set<ChildProcess>()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

/** Starts a program that is killed when this process ends. */
export function start(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(program, args, options)
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

/** Path of a compiled program of this folder, or beside it (`../src/main`). */
export function programFile(name: string): string {
  return fileURLToPath(new URL(`${name}.js`, import.meta.url))
}

/** Path of a file of the sources: bench runs from `dist`, its C files are not copied there. */
export function sourceFile(name: string): string {
  return fileURLToPath(new URL(`../../bench/${name}`, import.meta.url))
}

/** Runs a program of this folder to its end; what it prints is JSON. */
export async function measure<Measured>(
  name: string,
  args: readonly (string | number)[],
  env = process.env,
): Promise<Measured> {
  const child = start(process.execPath, [programFile(name), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  })
  return JSON.parse(await outputOf(child, name)) as Measured
}

/** All that a program prints; rejects when it fails. */
export async function outputOf(child: ChildProcess, name: string): Promise<string> {
  const pieces: Buffer[] = []
  child.stdout?.on('data', (piece: Buffer) => pieces.push(piece))
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (...end) => resolve(end))
  })
  if (code !== 0) throw new Error(`${name} ended with ${signal ?? `exit code ${String(code)}`}`)
  return Buffer.concat(pieces).toString('utf8')
}
