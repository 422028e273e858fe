/** Compares what was expected with what was found. Pure. */
import { expectationText, type Expectation, type SentenceName } from '../scenario/expectations.js'
import type { Ledger, Totals } from './ledger.js'

export interface Findings {
  readonly ledger: Ledger
  readonly backlog: number
  readonly readersUp: boolean
}

export interface Outcome {
  readonly expectation: string
  readonly ok: boolean
  /** What was found, in a few words. */
  readonly found: string
}

export function outcomes(expected: readonly Expectation[], findings: Findings): Outcome[] {
  const { totals } = findings.ledger
  return expected.map((expectation) => {
    const text = expectationText(expectation)
    if (expectation.kind === 'sentence') return { expectation: text, ...sentenceOutcome(expectation.name, findings) }
    const { name, min, max } = expectation
    const count = name === 'redeliveries' ? totals.redelivered : totals[name]
    return { expectation: text, ok: count >= min && count <= max, found: String(count) }
  })
}

type Found = Omit<Outcome, 'expectation'>

function sentenceOutcome(name: SentenceName, { ledger, backlog, readersUp }: Findings): Found {
  switch (name) {
    case 'all presented are stored':
      return allStored(ledger)
    case 'all stored are received exactly once':
      return allReceived(ledger)
    case 'nothing shown green is missing':
      return greenKept(ledger)
    case 'prev is unbroken':
      return listed('gap before seq', gapsIn(ledger), 'no gap')
    case 'order by seq is kept':
      return listed('late: seq', lateIn(ledger), 'in order')
    case 'backlog is 0':
      return { ok: backlog === 0, found: String(backlog) }
    case 'all readers are up':
      return { ok: readersUp, found: readersUp ? 'all up' : 'not all' }
  }
}

function allStored({ visits }: Ledger): Found {
  const kept = visits.filter(({ punch }) => punch !== undefined).length
  return { ok: kept === visits.length, found: `${kept} of ${visits.length}` }
}

function allReceived({ differences, totals }: Ledger): Found {
  const { unreceived, unknown } = differences
  const extra = unknown.length === 0 ? '' : `, and ${unknown.length} that were never stored`
  return {
    ok: unreceived.length + unknown.length === 0,
    found: `${totals.stored - unreceived.length} of ${totals.stored}${extra}`,
  }
}

function greenKept({ visits }: Ledger): Found {
  const green = visits.filter((visit) => visit.green)
  const missing = green.filter(({ punch }) => punch === undefined).length
  return { ok: missing === 0, found: `${missing} of ${green.length} missing` }
}

/** Numbers of punches whose `prev` is not the punch before them. */
function gapsIn(ledger: Ledger): number[] {
  const punches = [...ledger.deliveries].sort((a, b) => a.seq - b.seq)
  return punches.filter(({ prev }, index) => prev !== (punches[index - 1]?.seq ?? null)).map(({ seq }) => seq)
}

/** Numbers of punches that came after a later one. */
function lateIn({ deliveries }: Ledger): number[] {
  return deliveries.filter(({ seq }, index) => seq < (deliveries[index - 1]?.seq ?? 0)).map(({ seq }) => seq)
}

function listed(what: string, numbers: readonly number[], none: string): Found {
  return { ok: numbers.length === 0, found: numbers.length === 0 ? none : `${what} ${numbers.join(', ')}` }
}

/** The line that sums a play up; true only when nothing is missing and nothing too much. */
export function sum(
  name: string,
  { presented, stored, received, lost, duplicated }: Totals,
): { text: string; ok: boolean } {
  const text = `${name}: ${presented} presented, ${stored} stored, ${received} received, ${lost} lost, ${duplicated} duplicated`
  return { text, ok: presented === stored && stored === received && lost === 0 && duplicated === 0 }
}
