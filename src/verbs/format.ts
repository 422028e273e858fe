/** A record as one line for people. Credentials show their last four characters: terminals are looked over shoulders. */

interface PunchLine {
  readonly seq: number
  readonly time: string
  readonly reader: string
  readonly direction: string
  readonly method: string
  readonly verdict: string
  readonly credential: { readonly value: string }
  readonly person: { readonly ref: string } | null
  readonly claim?: { readonly time: string; readonly late: boolean }
}

export function punchText(json: string): string {
  const { seq, time, reader, direction, method, verdict, credential, person, claim } = JSON.parse(json) as PunchLine
  const who = person === null ? `…${credential.value.slice(-4)}` : person.ref
  const way = direction === 'none' ? '' : direction
  return [
    String(seq).padStart(6),
    time,
    reader.padEnd(16),
    way.padEnd(3),
    method.padEnd(11),
    verdict.padEnd(8),
    // What a terminal kept for a while was not now.
    claim?.late === true ? `${who} (at ${claim.time} by its own clock)` : who,
  ].join(' ')
}
