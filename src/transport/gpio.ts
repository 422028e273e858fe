/**
 * `gpio:`: falling edges of two lines, as the program gpiomon of libgpiod prints them, brought into one form:
 * `0 <nanoseconds>` for an edge on D0, `1 <nanoseconds>` on D1, kernel time. Node has no ioctl of its own, and both
 * lines in one request are what keeps the edges in order. [libgpiod 1.6 of Debian 12, 2.x of Debian 13]
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { TransportError, type ErrorDetails } from '../errors.js'
import type { ByteTransport } from '../driver.js'
import { ChunkQueue } from './chunks.js'
import type { Opened, OpenContext, TransportUrl } from './url.js'

export type GpioUrl = Extract<TransportUrl, { scheme: 'gpio' }>

const PROGRAM = 'gpiomon'
/** Of util-linux, on every Debian. */
const SETPRIV = '/usr/bin/setpriv'
/** A chip that is absent or busy is said within this time; a reader that nobody uses says nothing. */
const START_MS = 300
const KILL_MS = 1_000

export async function openGpio(url: GpioUrl, context: OpenContext): Promise<Opened> {
  const [program, ...rest] = [...leash(), PROGRAM, ...argumentsFor(version(), url)]
  const child = spawn(program ?? PROGRAM, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = lastWordsOf(child)
  const queue = new ChunkQueue(context.clock, context.signal)
  const lose = (): void => queue.fail(whyEnded(url, said()))
  child.on('error', lose).on('close', lose)
  createInterface({ input: child.stdout }).on('line', (line) => {
    const edge = normalised(line, url)
    if (edge !== undefined) queue.push(Buffer.from(edge, 'latin1'))
  })
  await Promise.race([once(child, 'close').catch(() => undefined), context.clock.sleep(START_MS, context.signal)])
  if (queue.failure) throw queue.failure
  const transport: ByteTransport = {
    [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    write: () => Promise.reject(new TransportError('transport-denied', 'nothing can be written to Wiegand lines')),
  }
  const close = async (): Promise<void> => {
    queue.close()
    await ended(child, context)
  }
  return { kind: 'bytes', transport, close }
}

/** A daemon that is killed outright cannot end gpiomon, which would keep the lines; the kernel does, where it is asked to. */
function leash(): string[] {
  return existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL'] : []
}

/** 1 or 2. Throws when the program is not there. */
function version(): 1 | 2 {
  const { stdout, error } = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' })
  if (error) {
    const hint = 'sudo apt install gpiod'
    throw new TransportError('transport-unavailable', 'the program gpiomon is not installed', { hint, cause: error })
  }
  return /\bv?2\.\d/.test(stdout) ? 2 : 1
}

/** Their command lines have hardly an option in common. */
export function argumentsFor(libgpiod: 1 | 2, { chip, d0, d1 }: GpioUrl): string[] {
  const name = chip.replace(/^\/dev\//, '')
  const lines = [String(d0), String(d1)]
  return libgpiod === 1
    ? ['--line-buffered', '--falling-edge', '--bias=pull-up', '--format=%o %s %n', name, ...lines]
    : ['--chip', name, '--edges', 'falling', '--bias', 'pull-up', '--format', '%o %S', ...lines]
}

/** `17 12 5000` (seconds and nanoseconds, not padded) or `17 12.000005000` as `0 12000005000`. */
export function normalised(line: string, { d0, d1 }: GpioUrl): string | undefined {
  const [, offset, seconds, separator, rest = ''] = /^(\d+) (\d+)([ .])(\d{1,9})$/.exec(line.trim()) ?? []
  if (offset === undefined || seconds === undefined) return undefined
  const bit = Number(offset) === d0 ? '0' : Number(offset) === d1 ? '1' : undefined
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(separator === '.' ? rest.padEnd(9, '0') : rest)
  return bit === undefined ? undefined : `${bit} ${ns}\n`
}

function lastWordsOf(child: ChildProcess): () => string {
  let words = ''
  child.stderr?.on('data', (bytes: Buffer) => (words = (words + bytes.toString('utf8')).slice(-500)))
  return () => words.trim().split('\n').at(-1) ?? ''
}

const REASONS: readonly (readonly [RegExp, TransportError['code'], ErrorDetails['hint']])[] = [
  [/busy/i, 'transport-locked', 'another program holds these lines: gpioinfo shows which'],
  [/permission|denied/i, 'transport-denied', 'the user needs the group gpio: sudo usermod -aG gpio punchd'],
  [
    /no such|cannot find|not found|unable to open/i,
    'transport-absent',
    'gpiodetect lists the chips; on a Pi 5 it may be gpiochip4',
  ],
  [/invalid|range/i, 'transport-absent', 'gpioinfo lists the lines of the chip'],
]

function whyEnded({ chip, d0, d1 }: GpioUrl, words: string): TransportError {
  const [, code = 'transport-lost', hint] = REASONS.find(([pattern]) => pattern.test(words)) ?? []
  const message = `lines ${d0} and ${d1} of ${chip} cannot be watched: ${words || 'gpiomon ended'}`
  return new TransportError(code, message, hint === undefined ? {} : { hint })
}

/** No orphan keeps the lines. */
async function ended(child: ChildProcess, { clock }: OpenContext): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const over = new AbortController()
  const gone = once(child, 'close').finally(() => over.abort())
  child.kill('SIGTERM')
  void clock.sleep(KILL_MS, over.signal).then(() => over.signal.aborted || child.kill('SIGKILL'))
  await gone
}
