/** Builds what stands at the doors: a twin and the line to it, by the name in the scenario. */
import type { Clock } from '../../src/driver.js'
import { EXIT, VerbError } from '../../src/errors.js'
import type { PrivatePcscd } from '../pcsc/pcscd.js'
import type { ReaderPlan } from '../scenario/scenario.js'
import { findProgram } from './process.js'

/** A simulated reader at a door. One person at a time. */
export interface SimReader {
  readonly id: string
  /** Under which the daemon reaches it. */
  readonly url: string
  /** The driver's options in the generated configuration. */
  readonly options: Readonly<Record<string, unknown>>
  /** Cannot read now: its cable is pulled, its service is down. */
  readonly isDark: boolean
  /** Resolves when this card, laid down now, would be a new presentation. */
  free(card: string): Promise<void>
  /** Lays a card down. It may not be noticed: then it is taken off and laid down again. */
  lay(card: string): Promise<void>
  lift(): Promise<void>
  /** Whether the card that lies there sees the reader's light: undefined for a reader without lights. */
  readonly light: 'none' | 'green' | 'red' | undefined
  unplug(): Promise<void>
  plug(): Promise<void>
  close(): Promise<void>
}

export interface ReaderContext {
  readonly folder: string
  readonly seed: number
  readonly clock: Clock
  /** One for all pcsc readers. */
  readonly pcscd: PrivatePcscd | undefined
  readonly slot: number
}

export async function buildReader(plan: ReaderPlan, context: ReaderContext): Promise<SimReader> {
  switch (plan.twin) {
    case 'rdm6300':
    case 'wedge':
    case 'qr':
      return (await import('./gate.js')).buildGate(plan, context)
    case 'pn532':
      return (await import('./plate.js')).buildPlate(plan, context)
    case 'pcsc':
      return (await import('./desk.js')).buildDesk(plan, context)
  }
}

/** Splits the plans into those that can be had here and those that cannot, with the reason. */
export async function possible(
  plans: readonly ReaderPlan[],
): Promise<{ plans: ReaderPlan[]; left: { id: string; why: string }[] }> {
  const left: { id: string; why: string }[] = []
  const kept: ReaderPlan[] = []
  const { whyNoPcscd } = await import('../pcsc/pcscd.js')
  const whyNot = plans.some(({ twin }) => twin === 'pcsc') ? whyNoPcscd() : undefined
  for (const plan of plans) {
    const why = plan.twin === 'pcsc' ? whyNot : whyNoPty(plan)
    if (why === undefined) kept.push(plan)
    else if (plan.optional) left.push({ id: plan.id, why })
    else
      throw new VerbError(EXIT.unavailable, 'transport-unavailable', `${plan.id}: ${why}`, {
        hint: 'with "optional: true" it is left out',
      })
  }
  return { plans: kept, left }
}

function whyNoPty({ over }: ReaderPlan): string | undefined {
  if (over !== 'pty' || findProgram('socat') !== undefined) return undefined
  return 'socat is not installed (sudo apt install socat)'
}
