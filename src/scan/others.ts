/** What needs no question: PC/SC readers, and devices that type. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DaemonError } from '../errors.js'
import { takesSlot } from '../transport/pcsc-cards.js'
import type { Found } from './found.js'
import type { ScanContext } from './serial.js'

const INPUT_BY_ID = '/dev/input/by-id'
/** Keyboards that people type on are made by the same trick; their names tell them apart as far as anything does. */
const TYPES_CODES = /reader|rfid|card|scan|barcode|ehuoyan|sycreader|newland|honeywell|datalogic|zebra|symbol/i

/** Readers that pcscd knows. None, when it does not run. */
export async function scanCards({ open, clock, log, signal, configured, remark }: ScanContext): Promise<Found[]> {
  try {
    const opened = await open({ scheme: 'pcsc', name: '*' }, { clock, signal, log })
    try {
      if (opened.kind !== 'card') return []
      return opened.transport.slots.map((slot) => ({
        title: slot,
        driver: 'pcsc',
        transport: `pcsc:${slot}`,
        certainty: 'answered',
        configured: ownerOf(slot, configured),
      }))
    } finally {
      await opened.close()
    }
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error
    remark(`No PC/SC reader: ${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`)
    return []
  }
}

/** The reader whose `pcsc:NAME` takes this one. */
function ownerOf(slot: string, configured: ReadonlyMap<string, string>): string | undefined {
  const names = [...configured].filter(([url]) => url.startsWith('pcsc:'))
  return names.find(([url]) => takesSlot(url.slice('pcsc:'.length), slot))?.[1]
}

/** Devices that type what they read, by their stable names. */
export async function scanInput({ inputFolder = INPUT_BY_ID, configured }: ScanContext): Promise<Found[]> {
  const names = (await readdir(inputFolder).catch(() => [])).filter((name) => name.endsWith('-event-kbd')).sort()
  return names.map((name) => {
    const transport = `input:${join(inputFolder, name)}`
    const known = TYPES_CODES.test(name)
    return {
      title: known ? 'reader that types' : 'keyboard, or a reader that types',
      driver: known ? 'wedge' : undefined,
      transport,
      certainty: known ? 'guess' : 'unknown',
      configured: configured.get(transport),
      remark: 'set options.type: card, qr or pin',
    } satisfies Found
  })
}
