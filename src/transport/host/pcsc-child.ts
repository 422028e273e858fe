/** The program of the pcsc child process: the only importer of nfc-pcsc. */
import type { NFC, Reader } from 'nfc-pcsc'
import { messageOf } from '../../errors.js'
import { emit, endWith, followParent, Refusal, serve } from './child.js'
import { endsService } from './pcsc-faults.js'
import { PcscSlot } from './pcsc-slot.js'
import { fromHex, isRecord, toHex, type Fault } from './wire.js'

const INSTALL: Fault = {
  code: 'transport-unavailable',
  message: 'the package nfc-pcsc is not installed, or was not built for this version of Node',
  hint: 'sudo apt install libpcsclite-dev pcscd, then npm ci in the folder of punchd (or npm rebuild @pokusew/pcsclite)',
}

const slots = new Map<string, PcscSlot>()

followParent('pcsc')
const nfcPcsc = await import('nfc-pcsc').catch(() => undefined)
if (nfcPcsc) serve(() => (watch(nfcPcsc.NFC), answer))
else endWith(INSTALL)

function watch(Native: typeof NFC): void {
  try {
    // Blocks for ever while pcscd is absent: the beats stop and the parent kills this process.
    const nfc = new Native()
    // After any error of the service this object stays deaf, whatever pcscd does: only a new process helps.
    nfc.on('error', (error) => endWith(serviceFault(error)))
    nfc.on('reader', attach)
  } catch (error) {
    endWith(serviceFault(error))
  }
}

function attach(reader: Reader): void {
  const slot = new PcscSlot(reader.reader, { emit, endWith })
  slots.set(reader.name, slot)
  // nfc-pcsc's own handling of cards is taken off: see pcsc-slot.ts.
  reader.reader.removeAllListeners('status')
  reader.on('error', (error) => endWith(serviceFault(error)))
  reader.on('end', () => {
    slot.leave()
    slots.delete(reader.name)
    emit({ kind: 'unplugged', slot: reader.name })
  })
  emit({ kind: 'plugged', slot: reader.name })
  reader.reader.on('status', (status) => slot.see(status.state, status.atr ?? new Uint8Array()))
}

function serviceFault(error: unknown): Fault {
  const text = messageOf(error)
  return endsService(text) ?? { code: 'transport-lost', message: `PC/SC failed: ${text}` }
}

async function answer(verb: string, body: unknown): Promise<unknown> {
  if (!isRecord(body)) throw new Refusal(wrong(verb))
  const slot = slots.get(String(body.slot))
  if (!slot) throw new Refusal({ code: 'transport-lost', message: `${String(body.slot)} is not there` })
  const bytes = fromHex(body.bytes)
  if (bytes && verb === 'transmit' && typeof body.card === 'number') return toHex(await slot.transmit(body.card, bytes))
  if (bytes && verb === 'control') return toHex(await slot.control(bytes))
  throw new Refusal(wrong(verb))
}

function wrong(verb: string): Fault {
  return { code: 'protocol-broken', message: `the pcsc process does not know the request ${verb}` }
}
