/** `punchd readers scan`: which readers are plugged in, and the configuration to paste. */
import { existsSync } from 'node:fs'
import { SystemClock } from '../clock.js'
import type { Config } from '../config/config.js'
import type { Logger } from '../driver.js'
import { proposals, scanText, type Found } from '../scan/found.js'
import { scanCards, scanInput } from '../scan/others.js'
import { scanSerial, type ScanContext } from '../scan/serial.js'
import type { TransportUrl } from '../transport/url.js'
import { common, load, print, type CommonOptions, type Verb, type VerbContext } from './verb.js'

interface ScanOptions extends CommonOptions {
  readonly ask: boolean
}

/** A scan tells what it finds itself. */
const SILENT: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

export const scan: Verb = (program, context) => {
  const about = 'look for readers that are plugged in, and print the configuration to paste'
  common(program.command('scan').description(about))
    .option('--no-ask', 'write nothing to any serial device: tell what the names tell')
    .action(async (_options: ScanOptions, self: Parameters<Verb>[0]) => {
      const options = self.optsWithGlobals<ScanOptions>()
      const config = await configIfAny(options.config, context)
      const found = await scanAll(await scanContext(config, options, context))
      const taken = new Set(config?.readers.flatMap(({ id, points }) => [id, ...points.map((point) => point.id)]))
      if (!options.json) return scanText(found, taken).forEach((line) => print(context.out, line))
      print(context.out, JSON.stringify({ found, proposals: proposals(found, taken) }))
    })
}

/** A machine without a configuration is scanned too; one that is wrong is said to be. */
async function configIfAny(file: string, context: VerbContext): Promise<Config | undefined> {
  if (!existsSync(file)) return undefined
  const { config } = await load(file, context)
  if (!config)
    print(context.err, `${file} has errors and was left aside: what is configured is not known (punchd check)`)
  return config
}

export async function scanAll(context: ScanContext): Promise<Found[]> {
  return [...(await scanSerial(context)), ...(await scanCards(context)), ...(await scanInput(context))]
}

async function scanContext(
  config: Config | undefined,
  { ask, json }: ScanOptions,
  context: VerbContext,
): Promise<ScanContext> {
  const { drivers, open, stop, err } = context
  const progress = err.isTTY && !json
  return {
    drivers: await drivers(),
    open,
    clock: new SystemClock(),
    log: SILENT,
    signal: stop,
    ask,
    configured: new Map(config?.readers.map(({ id, transport }) => [bareUrl(transport), id])),
    say: (line) => progress && print(err, line),
    remark: (line) => !json && print(err, line),
  }
}

function bareUrl(url: TransportUrl): string {
  switch (url.scheme) {
    case 'serial':
    case 'input':
      return `${url.scheme}:${url.path}`
    case 'pcsc':
      return `pcsc:${url.name}`
    case 'tcp':
    case 'udp':
    case 'http':
      return `${url.scheme}://${url.host}:${url.port}`
    case 'ble':
      return `ble:hci${url.adapter}`
    case 'wifi':
      return `wifi:${url.iface}`
    case 'gpio':
      return `gpio:${url.chip}`
  }
}
