/** Cards in the field of a simulated PN532, and the bytes in which it speaks of them. Clauses: drivers/pn532/README.md. */

export type SimCard =
  /** `uid`: 8, 14 or 20 hex digits. `random`: a phone that invents a new 08…… each time the field comes on. */
  | { readonly type: 'a'; readonly uid: string; readonly ats?: string; readonly random?: boolean }
  | { readonly type: 'b'; readonly pupi: string }
  /** `speeds`: at which it answers, 212 and 424 kbit/s if not said. */
  | { readonly type: 'felica'; readonly idm: string; readonly speeds?: readonly (212 | 424)[] }

/** What the chip lists of a card behind its number: for type A ATQA, SAK, UID, ATS. [PN532 §3] */
export function listed(card: SimCard, visit: number, wantsSystemCode: boolean): number[] {
  if (card.type === 'b') return [0x50, ...hex(card.pupi), 1, 2, 3, 4, 0, 0x81, 0xe1, 1, 0]
  if (card.type === 'felica') {
    const answer = [1, ...hex(card.idm), 0, 0xf1, 0, 0, 0, 1, 0x43, 0, ...(wantsSystemCode ? [0x88, 0xb4] : [])]
    return [answer.length + 1, ...answer]
  }
  const invented = [0x08, ...hex(visit.toString(16).padStart(6, '0'))]
  const uid = card.random === true ? invented : hex(card.uid)
  const ats = hex(card.ats ?? '')
  return [0, uid.length > 4 ? 0x44 : 0x04, ats.length > 0 ? 0x20 : 0x08, uid.length, ...uid, ...ats]
}

/** 106A is 0, FeliCa 212 and 424 are 1 and 2, 106B is 3. [PN532 §3] */
export function modulationsOf(card: SimCard): number[] {
  if (card.type === 'a') return [0]
  if (card.type === 'b') return [3]
  return (card.speeds ?? [212, 424]).map((speed) => (speed === 212 ? 1 : 2))
}

/** Starts with D5; both forms. [PN532 §2] */
export function answerFrame(content: readonly number[], isExtended: boolean): number[] {
  const body = [0xd5, ...content]
  const minus = (total: number): number => (256 - (total % 256)) % 256
  const high = body.length >> 8
  const low = body.length & 255
  const head = isExtended ? [255, 255, high, low, minus(high + low)] : [low, minus(low)]
  return [0, 0, 255, ...head, ...body, minus(body.reduce((total, byte) => total + byte, 0)), 0]
}

function hex(text: string): number[] {
  return [...Buffer.from(text, 'hex')]
}
