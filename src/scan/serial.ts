/** Serial devices: who they are by name, and by asking those that may be asked. */
import { existsSync } from 'node:fs'
import { linkedAbort } from '../abort.js'
import type { Clock } from '../clock.js'
import type { AnyDriver, DeviceIdentity, Logger, Probe } from '../driver.js'
import { DaemonError } from '../errors.js'
import { holdersOf, stableNames } from '../transport/ports.js'
import type { OpenTransport } from '../transport/url.js'
import type { Found } from './found.js'

export interface ScanContext {
  readonly drivers: readonly AnyDriver[]
  readonly open: OpenTransport
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
  /** False: nothing is written to any device. */
  readonly ask: boolean
  /** Ids of configured readers by their transport URL without query. */
  readonly configured: ReadonlyMap<string, string>
  /** What is being done, for those who wait. */
  readonly say: (line: string) => void
  /** What could not be looked at, and why. */
  readonly remark: (line: string) => void
  /** Where the system lists devices; tests have places of their own. */
  readonly serialFolder?: string
  readonly heldBy?: (path: string) => Promise<string>
  readonly inputFolder?: string
}

/** UARTs of the board itself have no name under by-id. */
const BOARD_UARTS = ['/dev/serial0', '/dev/ttyAMA0']
/** How long a device may take to answer one question at one speed. */
const ANSWER_MS = 700

/** Plain USB-to-serial cables: whatever hangs on them may be asked. [by-id names: vendor and product strings] */
const CABLES: readonly (readonly [RegExp, string])[] = [
  [/FTDI/i, 'FTDI USB-to-serial cable'],
  [/Silicon_Labs|CP210/i, 'CP210x USB-to-serial cable'],
  [/1a86|QinHeng|CH34|USB2\.0-Ser/i, 'CH340 USB-to-serial cable'],
  [/Prolific|PL2303|067b/i, 'PL2303 USB-to-serial cable'],
]
/** Devices that their name gives away. They are not asked. */
const NAMED: readonly (readonly [RegExp, string, string])[] = [
  [/GM65|GROW|MINDEO|Newland|Honeywell|Datalogic|Symbol|Zebra|Scanner|Barcode/i, 'qr', 'code scanner'],
]

export async function scanSerial(context: ScanContext): Promise<Found[]> {
  const names = await stableNames(context.serialFolder)
  const uarts = context.serialFolder === undefined ? BOARD_UARTS.filter((path) => existsSync(path)) : []
  const found: Found[] = []
  // One after the other: two questions on one bus of cables would disturb each other's answers.
  for (const path of [...names, ...uarts.slice(0, 1)]) found.push(await scanPort(path, context))
  return found
}

async function scanPort(path: string, context: ScanContext): Promise<Found> {
  const { configured, ask } = context
  const name = path.split('/').at(-1) ?? path
  const cable = CABLES.find(([pattern]) => pattern.test(name))
  const named = cable ? undefined : NAMED.find(([pattern]) => pattern.test(name))
  const title =
    named?.[2] ??
    cable?.[1] ??
    (path.startsWith('/dev/tty') || name === 'serial0' ? 'UART of the board' : 'serial device')
  const plain: Found = {
    title,
    transport: `serial:${path}`,
    certainty: named ? 'guess' : 'unknown',
    driver: named?.[1],
  }
  const owner = configured.get(`serial:${path}`)
  if (owner !== undefined) return { ...plain, configured: owner }
  const heldBy = await (context.heldBy ?? heldByOthers)(path)
  if (heldBy !== '') return { ...plain, heldBy }
  // A modem or a machine of its own could take a question for a command.
  const mayAsk = ask && !named && (cable !== undefined || title !== 'serial device')
  return mayAsk ? ((await askAround(path, title, context)) ?? plain) : plain
}

async function heldByOthers(path: string): Promise<string> {
  const holders = (await holdersOf(path).catch(() => [])).filter(({ pid }) => pid !== process.pid)
  return holders.map(({ command, pid }) => `${command} (${pid})`).join(', ')
}

/** Asks for every family that can be asked, at each of its speeds. */
async function askAround(path: string, title: string, context: ScanContext): Promise<Found | undefined> {
  for (const { name, probe } of context.drivers) {
    for (const baudRate of probe?.baudRates ?? []) {
      context.say(`Asking ${path}: ${name} at ${baudRate} baud?`)
      const identity = probe && (await askAt(path, baudRate, probe, context))
      if (context.signal.aborted) return undefined
      if (!identity) continue
      const transport = `serial:${path}?baudRate=${baudRate}`
      return { title: `${identity.model} on ${title}`, driver: name, transport, certainty: 'answered' }
    }
  }
  return undefined
}

async function askAt(
  path: string,
  baudRate: number,
  probe: Probe,
  context: ScanContext,
): Promise<DeviceIdentity | undefined> {
  const { open, clock, log, signal } = context
  const over = linkedAbort(signal)
  try {
    const opened = await open({ scheme: 'serial', path, baudRate }, { clock, signal: over.signal, log })
    try {
      if (opened.kind !== 'bytes') return undefined
      void clock.sleep(ANSWER_MS, over.signal).then(() => over.abort())
      return await probe.ask(opened.transport, clock, over.signal)
    } finally {
      over.abort()
      await opened.close()
    }
  } catch (error) {
    // A port that cannot be opened or asked is told as what it is: there, and silent.
    if (error instanceof DaemonError) return undefined
    throw error
  }
}
