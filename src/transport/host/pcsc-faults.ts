/** PC/SC return codes in punchd's words. Pure. Numbers from pcsc-lite's pcsclite.h. */
import type { Fault } from './wire.js'

/** Linux, libccid: SCARD_CTL_CODE(1) passes a command to the reader itself. [PCSC §4.4] */
export const ESCAPE = 0x42000001

export const SCARD = {
  sharing: 0x8010000b,
  noCard: 0x8010000c,
  unknownReader: 0x80100009,
  commError: 0x80100013,
  notTransacted: 0x80100016,
  readerUnavailable: 0x80100017,
  noService: 0x8010001d,
  serviceStopped: 0x8010001e,
  unsupported: 0x8010001f,
  noReaders: 0x8010002e,
  dataLost: 0x8010002f,
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
export const DENIED: Fault = {
  code: 'transport-denied',
  message: 'pcscd refuses access to this user',
  hint: POLKIT_HINT,
}

/** The code in an error text of the binding, `SCardConnect error: Card was removed.(0x80100069)`. */
export function scardCode(text: string): number | undefined {
  const digits = /\(0x([0-9a-f]{8,16})\)\s*$/i.exec(text)?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits.slice(-8), 16)
}

const ENDED: Fault = { code: 'transport-lost', message: 'pcscd ended', hint: 'sudo systemctl status pcscd' }

/** Errors after which this connection to pcscd never works again. [PCSC §4.5] */
export function endsService(text: string): Fault | undefined {
  switch (scardCode(text)) {
    case SCARD.noService:
    case SCARD.serviceStopped:
    case SCARD.commError:
      return ENDED
    case SCARD.denied:
      // Polkit is asked when a client or a connection to a card begins. Later libpcsclite says "denied" of a pcscd
      // that died with our request unread (seen with 1.9.9).
      return /^SCard(EstablishContext|Connect) /.test(text) ? DENIED : ENDED
    default:
      return undefined
  }
}

/** Errors that a new connection to the card cures, when the card is still there. [PCSC §4.5] */
export function isCurable(code: number | undefined): boolean {
  return code === SCARD.reset || code === SCARD.unpowered || code === SCARD.notTransacted || code === SCARD.dataLost
}

/** Errors of one reader or card. [PCSC §4.5] */
export function faultOf(text: string, slot: string): Fault {
  const code = scardCode(text)
  if (text.startsWith('SCardControl ') && (code === SCARD.unsupported || code === SCARD.notTransacted)) {
    const hint = 'set ifdDriverOptions to 0x0001 in /etc/libccid_Info.plist and restart pcscd'
    return { code: 'device-refused', message: `${slot} takes no commands without a card`, hint }
  }
  switch (code) {
    case SCARD.removed:
    case SCARD.noCard:
      return { code: 'transport-lost', message: `the card left ${slot} too early` }
    case SCARD.reset:
    case SCARD.unpowered:
    case SCARD.unresponsive:
    case SCARD.notTransacted:
    case SCARD.dataLost:
      return { code: 'transport-lost', message: `the card on ${slot} does not answer` }
    case SCARD.sharing:
      return {
        code: 'transport-locked',
        message: `another program holds ${slot}`,
        hint: 'stop the other PC/SC program',
      }
    case SCARD.unknownReader:
    case SCARD.readerUnavailable:
    case SCARD.noReaders:
      return { code: 'transport-lost', message: `${slot} was unplugged` }
    default:
      return { code: 'transport-lost', message: `${slot}: ${text}` }
  }
}
