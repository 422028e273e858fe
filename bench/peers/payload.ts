/** What all peers but punchd carry: its own records are larger, and the table says so. */
export const TOPIC = 'peers/punch'
const BYTES = 350

/** Everything behind the number; a peer in another language gets it as an argument. */
export const REST = rest()

export function payloadOf(number: number): string {
  return `{"n":${number}${REST}`
}

function rest(): string {
  const fields = [
    '"schema":"punch/1"',
    '"site":"bench"',
    '"gateway":"gw-01"',
    '"reader":"gate-north"',
    '"place":"gate"',
    '"time":"2026-11-22T08:57:31.412+01:00"',
    '"direction":"in"',
    '"method":"card"',
    '"credential":{"type":"card","value":"0A00123456","scope":"global"}',
    '"verdict":"accepted"',
  ]
  const text = `,${fields.join(',')},"proof":"`
  return `${text}${'f'.repeat(BYTES - text.length - '{"n":12345"}'.length)}"}`
}
