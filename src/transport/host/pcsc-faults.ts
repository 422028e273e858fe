/** PC/SC return codes in punchd's words. Pure. Numbers from pcsc-lite's pcsclite.h. */
import type { Fault } from './wire.js'

/** Linux, libccid: SCARD_CTL_CODE(1) passes a command to the reader itself. [PCSC §4.4] */
export const ESCAPE = 0x42000001

export const SCARD = {
  cancelled: 0x80100002,
  timeout: 0x8010000a,
  sharingViolation: 0x8010000b,
  noCard: 0x8010000c,
  unknownReader: 0x80100009,
  protocolMismatch: 0x8010000f,
  commError: 0x80100013,
  notTransacted: 0x80100016,
  readerUnavailable: 0x80100017,
  noService: 0x8010001d,
  serviceStopped: 0x8010001e,
  unsupportedFeature: 0x8010001f,
  noReaders: 0x8010002e,
  unresponsive: 0x80100066,
  unpowered: 0x80100067,
  reset: 0x80100068,
  removed: 0x80100069,
  denied: 0x8010006a,
} as const

const POLKIT_HINT =
  'allow the user of punchd the actions org.debian.pcsc-lite.access_pcsc and access_card in a polkit rule: ' +
  'install systemd/50-punchd-pcscd.rules as /usr/share/polkit-1/rules.d/50-punchd-pcscd.rules'
/** How the operator gets past polkit; the probe needs it too. */
export const DENIED: Fault = { code: 'transport-denied', message: 'pcscd refuses access to this user', hint: POLKIT_HINT }

/** The code in an error text of the binding, `SCardConnect error: Card was removed.(0x80100069)`. */
export function scardCode(text: string): number | undefined {
  const digits = /\(0x([0-9a-f]{8,16})\)\s*$/i.exec(text)?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits.slice(-8), 16)
}

/** Errors after which this connection to pcscd never works again. [PCSC §4.5] */
export function endsService(code: number | undefined): Fault | undefined {
  if (code === SCARD.denied) return DENIED
  if (code === SCARD.noService || code === SCARD.serviceStopped || code === SCARD.commError) {
    return { code: 'transport-lost', message: 'pcscd ended', hint: 'sudo systemctl status pcscd' }
  }
  return undefined
}

/** Errors of one reader or card. [PCSC §4.5] */
export function faultOf(code: number | undefined, text: string, slot: string): Fault {
  switch (code) {
    case SCARD.removed:
    case SCARD.noCard:
      return { code: 'transport-lost', message: `the card left ${slot} too early` }
    case SCARD.reset:
    case SCARD.unpowered:
    case SCARD.unresponsive:
      return { code: 'transport-lost', message: `the card on ${slot} does not answer` }
    case SCARD.sharingViolation:
      return { code: 'transport-locked', message: `another program holds ${slot}`, hint: 'stop the other PC/SC program' }
    case SCARD.unknownReader:
    case SCARD.readerUnavailable:
    case SCARD.noReaders:
      return { code: 'transport-lost', message: `${slot} was unplugged` }
    case SCARD.unsupportedFeature:
    case SCARD.notTransacted:
      return {
        code: 'device-refused',
        message: `${slot} takes no commands without a card`,
        hint: 'set ifdDriverOptions to 0x0001 in /etc/libccid_Info.plist and restart pcscd',
      }
    default:
      return { code: 'transport-lost', message: `${slot}: ${text}` }
  }
}
