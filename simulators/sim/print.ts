/** The events of a stage as aligned lines for people, or as one JSON object a line for programs. */
import type { StageEvent } from './events.js'
import type { PunchFacts, Visit } from './ledger.js'

export interface Printing {
  readonly json: boolean
  /** For the columns. */
  readonly readers: readonly string[]
  readonly people: readonly string[]
  /** How the subscriber receives: `MQTT 5`. */
  readonly protocol: () => string
  /** Milliseconds since the start. */
  readonly elapsed: () => number
  readonly print: (line: string) => void
}

/** Makes the function that prints events. */
export function printer(printing: Printing): (event: StageEvent) => void {
  const { json, print, elapsed } = printing
  const about = widest([...printing.readers, 'gateway'])
  const who = widest(printing.people)
  return (event) => {
    if (json) return print(JSON.stringify({ t: Math.round(elapsed()) / 1_000, ...jsonOf(event) }))
    const { reader, person, card, text } = partsOf(event, printing.protocol())
    print(`${stamp(elapsed())}  ${reader.padEnd(about)}  ${person.padEnd(who)}  ${card.padEnd(5)}  ${text}`.trimEnd())
  }
}

function widest(words: readonly string[]): number {
  return Math.min(20, Math.max(...words.map(({ length }) => length), 0))
}

/** `00:07.3`: minutes, seconds, tenths. */
export function stamp(ms: number): string {
  const tenths = Math.floor(Math.max(0, ms) / 100)
  const [minutes, seconds] = [Math.floor(tenths / 600), Math.floor(tenths / 10) % 60]
  return `${String(minutes).padStart(2, '0')}:${String(seconds).padStart(2, '0')}.${tenths % 10}`
}

interface Parts {
  readonly reader: string
  readonly person: string
  readonly card: string
  readonly text: string
}

function partsOf(event: StageEvent, protocol: string): Parts {
  if (event.kind === 'note') return { reader: event.about, person: '', card: '', text: event.text }
  if (!('punch' in event)) return { ...subject(event.visit), text: textOf(event, protocol) }
  const { visit, punch } = event
  return {
    ...(visit ? subject(visit) : { reader: punch.reader, person: '?', card: last4(punch.card) }),
    text: textOf(event, protocol),
  }
}

function subject({ reader, person, card }: Visit): Omit<Parts, 'text'> {
  return { reader, person, card: last4(card) }
}

/** Numbers of cards show their last four characters, as everywhere. */
function last4(card: string): string {
  return `…${card.slice(-4)}`
}

function textOf(event: Exclude<StageEvent, { kind: 'note' }>, protocol: string): string {
  switch (event.kind) {
    case 'presented':
      return 'presented'
    case 'again':
      return `presented again (try ${event.visit.tries})`
    case 'given-up':
      return 'NOT STORED: gives up'
    case 'stored': {
      const extra = event.visit ? ms(event.afterMs) : 'nobody presented it'
      const waits = event.waits ? ', waiting for the broker' : ''
      return `stored    ${numbered(event.punch)} (${extra})${waits}`
    }
    case 'received':
      return `received  ${numbered(event.punch)} (${event.late ? `${ms(event.afterMs)} after it was stored` : ms(event.afterMs)}, ${protocol})`
    case 'redelivered':
      return `received  ${numbered(event.punch)} once more: QoS 1, same id`
  }
}

function numbered({ verdict, seq }: PunchFacts): string {
  return `${verdict.padEnd(8)} #${String(seq).padEnd(3)}`
}

function ms(duration: number): string {
  return duration < 1_000 ? `${Math.max(0, Math.round(duration))} ms` : `${(duration / 1_000).toFixed(1)} s`
}

function jsonOf(event: StageEvent): Readonly<Record<string, unknown>> {
  if (event.kind === 'note') return { event: 'note', about: event.about, text: event.text }
  const { visit } = event
  const facts: Record<string, unknown> = { event: event.kind }
  if (visit)
    Object.assign(facts, {
      presentation: visit.number,
      reader: visit.reader,
      person: visit.person,
      card: last4(visit.card),
    })
  if ('punch' in event) {
    const { id, seq, verdict, reader } = event.punch
    Object.assign(facts, { reader, id, seq, verdict })
  }
  if ('afterMs' in event) Object.assign(facts, { ms: Math.round(event.afterMs) })
  return facts
}
