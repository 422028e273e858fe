/** Advertising data as a host's stack hands them on: the AD structures taken apart, as the sheet has them. [BLE §1] */
import type { Advert } from '../../src/driver.js'

type Parts = Pick<Advert, 'manufacturerData' | 'serviceData' | 'serviceUuids'>

/** Bytes of a UUID by the type of its structure. */
const DATA: Readonly<Record<number, number>> = { 0x16: 2, 0x20: 4, 0x21: 16 }
const LISTS: Readonly<Record<number, number>> = { 0x02: 2, 0x03: 2, 0x04: 4, 0x05: 4, 0x06: 16, 0x07: 16 }

export function partsOf(data: Uint8Array): Parts {
  let manufacturerData: Uint8Array | undefined
  const serviceData: { uuid: string; bytes: Uint8Array }[] = []
  const serviceUuids: string[] = []
  for (let at = 0; at < data.length;) {
    const length = data[at] ?? 0
    if (length === 0 || at + 1 + length > data.length) break
    const type = data[at + 1] ?? 0
    const bytes = data.subarray(at + 2, at + 1 + length)
    const idBytes = DATA[type] ?? 0
    const step = LISTS[type] ?? 0
    if (type === 0xff) manufacturerData = bytes
    if (idBytes > 0 && bytes.length >= idBytes) serviceData.push({ uuid: uuidOf(bytes.subarray(0, idBytes)), bytes: bytes.subarray(idBytes) }) // prettier-ignore
    if (step > 0) for (let from = 0; from + step <= bytes.length; from += step) serviceUuids.push(uuidOf(bytes.subarray(from, from + step))) // prettier-ignore
    at += 1 + length
  }
  return { manufacturerData, serviceData, serviceUuids }
}

/** Little-endian on the air. */
function uuidOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).reverse().toString('hex')
}
