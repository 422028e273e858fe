/** What a scan found, and how it is told. */

export interface Found {
  /** What it is, for people. */
  readonly title: string
  readonly driver?: string | undefined
  /** The transport URL to configure. */
  readonly transport: string
  /** `answered`: the device said so. `guess`: its name says so. `unknown`: something is there. */
  readonly certainty: 'answered' | 'guess' | 'unknown'
  /** Id of the reader that is configured for it already. */
  readonly configured?: string | undefined
  /** Who holds it, such as `punchd (4711)`. It was not asked then. */
  readonly heldBy?: string | undefined
  /** What to know before using it. */
  readonly remark?: string | undefined
}

/** A proposal with the id under which it would stand in the configuration. */
export interface Proposal extends Found {
  readonly id: string
}

/** Gives each find that can be configured an id that is not taken. */
export function proposals(found: readonly Found[], taken: ReadonlySet<string>): Proposal[] {
  const used = new Set(taken)
  return found.flatMap((one) => {
    if (one.driver === undefined || one.configured !== undefined) return []
    let number = 1
    while (used.has(`${one.driver}-${number}`)) number += 1
    const id = `${one.driver}-${number}`
    used.add(id)
    return [{ ...one, id }]
  })
}

/** What was found, a line each, and what to paste. */
export function scanText(found: readonly Found[], taken: ReadonlySet<string>): string[] {
  if (found.length === 0) return ['Nothing found: no serial port, card reader or keyboard-like device is plugged in.']
  const paste = proposals(found, taken)
  const entries = paste.flatMap(({ id, driver, transport, certainty, title, remark }) => [
    `  - id: ${id}`,
    `    driver: ${driver}  # ${certainty === 'answered' ? title : `a guess by its name (${title}): check it`}`,
    `    transport: ${transport}`,
    ...(remark === undefined ? [] : [`    # ${remark}`]),
  ])
  return [...found.map(line), ...(entries.length === 0 ? [] : ['', 'readers:', ...entries])]
}

function line({ title, transport, certainty, configured, heldBy }: Found): string {
  const state =
    configured !== undefined
      ? `configured as ${configured}`
      : heldBy !== undefined
        ? `in use by ${heldBy}`
        : WORDS[certainty]
  return `# ${transport}: ${title} - ${state}`
}

const WORDS: Readonly<Record<Found['certainty'], string>> = {
  answered: 'answered',
  guess: 'known by its name',
  unknown: 'did not answer to any question; a device that only sends (rdm6300, qr, wiegand) cannot',
}
