/** The part of noble that is used, public and not. Both packages, abandonware's and stoprocent's, look like this. */
import { readable } from './ble-events.js'
import { isRecord } from './wire.js'

export interface Peripheral {
  readonly address: string
  readonly addressType: string
  readonly rssi: number
  readonly advertisement: {
    readonly manufacturerData?: Buffer
    readonly serviceData?: readonly { readonly uuid: string; readonly data: Buffer }[]
    readonly serviceUuids?: readonly string[]
  }
}

export interface Noble {
  on(event: 'stateChange', listener: (state: string) => void): unknown
  on(event: 'scanStart' | 'scanStop', listener: () => void): unknown
  on(event: 'discover', listener: (peripheral: Peripheral) => void): unknown
  on(event: 'warning', listener: (message: string) => void): unknown
  startScanning(serviceUuids: string[], allowDuplicates: boolean): void
}

/** Imports the package. Throws what it throws: without Bluetooth in the kernel already its import fails. */
export async function loadNoble(stack: string): Promise<Noble> {
  // The second is not among our dependencies: its name must not be one that the compiler looks for.
  const other: string = '@stoprocent/noble'
  const module: unknown = await (stack === 'stoprocent' ? import(other) : import('@abandonware/noble'))
  const noble = isRecord(module) ? (module.default ?? module) : module
  return noble as Noble // Parse boundary: the package has no checked types.
}

/** Puts the measuring of events before noble's own reading, as far as it can be reached. */
export function guardEvents(noble: Noble, malformed: () => void): void {
  const hci = inner(noble, '_bindings', '_hci')
  const read: unknown = hci?.onSocketData
  if (!hci || typeof read !== 'function') return
  hci.onSocketData = (packet: Buffer) => {
    const events = readable(packet)
    if (!events) return malformed()
    for (const event of events) {
      try {
        read.call(hci, event)
      } catch {
        malformed()
      }
    }
  }
}

const BY_UUID = ['_peripherals', '_services', '_characteristics', '_descriptors', '_discoveredPeripheralUUids']
const BY_UUID_BELOW = ['_addresses', '_addresseTypes', '_connectable', 'scannable']

/**
 * Lets noble forget a device as soon as it was told of. It would keep each address for ever, and phones change theirs
 * four times an hour; and it would mix what an address says now with what it said before. [BLE §4]
 */
export function forget(noble: Noble, address: string): void {
  const uuid = address.replaceAll(':', '')
  const bindings = inner(noble, '_bindings')
  for (const name of BY_UUID) drop(inner(noble, name), uuid)
  for (const name of BY_UUID_BELOW) drop(bindings && inner(bindings, name), uuid)
  drop(inner(noble, '_bindings', '_gap', '_discoveries'), address)
}

function drop(kept: Record<string, unknown> | undefined, key: string): void {
  if (kept instanceof Map) kept.delete(key)
  else if (kept) Reflect.deleteProperty(kept, key)
}

/** What hangs inside of a thing at a path of names; undefined when this version has nothing there. */
function inner(thing: object, ...path: readonly string[]): Record<string, unknown> | undefined {
  let at: unknown = thing
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<string, unknown>)[name] // Parse boundary: private fields of a package.
  }
  return typeof at === 'object' && at !== null ? (at as Record<string, unknown>) : undefined
}
