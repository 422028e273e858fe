/** `pcsc:NAME`: contactless cards through pcscd. The native package runs in a child process. */
import { readFileSync } from 'node:fs'
import { TransportError } from '../errors.js'
import { Host } from './host/host.js'
import { PcscCards } from './pcsc-cards.js'
import { pcscdSocket, probePcscd } from './pcscd.js'
import type { OpenContext, Opened, TransportUrl } from './url.js'

type PcscUrl = Extract<TransportUrl, { scheme: 'pcsc' }>
type PcscOpened = Extract<Opened, { kind: 'card' }>

const CHILD = new URL('./host/pcsc-child.js', import.meta.url)
/** pcscd knows its readers within milliseconds, a USB reader that was just plugged in after a second or two. */
const READER_MS = 3_000
const LOOK_MS = 20

export async function openPcsc(url: PcscUrl, context: OpenContext): Promise<PcscOpened> {
  await probePcscd(pcscdSocket(), context.signal)
  let host: Host | undefined
  const ask = (verb: string, body: unknown): Promise<unknown> =>
    host ? host.request(verb, body) : Promise.reject(new TransportError('transport-lost', 'the pcsc process is not up'))
  const cards = new PcscCards(url.name, context, ask)
  const close = async (): Promise<void> => {
    cards.end()
    await host?.close()
  }
  try {
    const { log } = context
    const onEvent = (event: unknown): void => cards.take(event)
    host = await Host.start({ name: 'pcsc', program: CHILD, log, onEvent, onLost: (error) => cards.fail(error) })
    await awaitReader(url.name, cards, context)
  } catch (error) {
    await close()
    throw error
  }
  return { kind: 'card', transport: cards, close }
}

async function awaitReader(name: string, cards: PcscCards, { clock, signal }: OpenContext): Promise<void> {
  const until = clock.uptime() + READER_MS
  const done = (): boolean => cards.slots.length > 0 || cards.failure !== undefined || signal.aborted
  while (!done() && clock.uptime() < until) await clock.sleep(LOOK_MS, signal)
  if (cards.failure) throw cards.failure
  if (cards.slots.length > 0 || signal.aborted) return
  const wanted = name === '*' ? 'no PC/SC reader is plugged in' : `no PC/SC reader is called "${name}"`
  throw new TransportError('transport-absent', wanted, { hint: absentHint(cards.plugged) })
}

function absentHint(plugged: readonly string[]): string {
  if (plugged.length > 0) return `readers present: ${plugged.join(', ')}`
  // The kernel's NFC driver takes the ACR122U away from pcscd. [PCSC §1]
  if (kernelHoldsReader()) return 'sudo modprobe -r pn533_usb, and blacklist it: see drivers/pcsc/README.md'
  return 'plug a reader in; pcsc_scan shows what pcscd sees'
}

function kernelHoldsReader(): boolean {
  try {
    return /^pn533_usb /m.test(readFileSync('/proc/modules', 'utf8'))
  } catch {
    return false
  }
}
