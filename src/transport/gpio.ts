/**
 * `gpio:`: falling edges of two lines, as the program gpiomon of libgpiod prints them, brought into one form:
 * `0 <nanoseconds>` for an edge on D0, `1 <nanoseconds>` on D1, kernel time. Node has no ioctl of its own, and both
 * lines in one request are what keeps the edges in order. [libgpiod 1.6 of Debian 12, 2.x of Debian 13]
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { TransportError, type ErrorDetails } from '../errors.js'
import type { ByteTransport } from '../driver.js'
import { ChunkQueue } from './chunks.js'
import { Program } from './program.js'
import type { Opened, OpenContext, TransportUrl } from './url.js'

export type GpioUrl = Extract<TransportUrl, { scheme: 'gpio' }>

const PROGRAM = 'gpiomon'
/** A chip that is absent or busy is said within this time; a reader that nobody uses says nothing. */
const START_MS = 300

export async function openGpio(url: GpioUrl, context: OpenContext): Promise<Opened> {
  const { clock, signal } = context
  const queue = new ChunkQueue(clock, signal)
  const program = new Program([PROGRAM, ...argumentsFor(await version(), url)], {
    onLine: (line) => {
      const edge = normalised(line, url)
      if (edge !== undefined) queue.push(Buffer.from(edge, 'latin1'))
    },
    onEnd: (words) => queue.fail(whyEnded(url, words)),
  })
  await Promise.race([program.ended, clock.sleep(START_MS, signal)])
  if (queue.failure) throw queue.failure
  const transport: ByteTransport = {
    [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    write: () => Promise.reject(new TransportError('transport-denied', 'nothing can be written to Wiegand lines')),
  }
  const close = async (): Promise<void> => {
    queue.close()
    await program.close(clock)
  }
  return { kind: 'bytes', transport, close }
}

/** 1 or 2. Throws when the program is not there. */
async function version(): Promise<1 | 2> {
  const { stdout } = await promisify(execFile)(PROGRAM, ['--version']).catch((cause: unknown) => {
    const hint = 'sudo apt install gpiod'
    throw new TransportError('transport-unavailable', 'the program gpiomon is not installed or does not start', {
      hint,
      cause,
    })
  })
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
