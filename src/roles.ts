/**
 * Who may see and do what, for everything that shows personal data: the API, the console, verbs. Pure, and the only
 * place that decides it. There is no action that edits a record, so there is nobody who may.
 */

export const ROLES = ['viewer', 'operator', 'manager', 'admin'] as const
export type Role = (typeof ROLES)[number]

export const ACTIONS = ['see-state', 'see-records', 'see-person', 'export', 'see-config', 'change-config', 'change-people'] as const // prettier-ignore
export type Action = (typeof ACTIONS)[number]

/** Who asks. */
export interface Asker {
  readonly role: Role
  /** Stands in audit records. */
  readonly id: string
  /** Sites of an operator. */
  readonly sites?: readonly string[]
  /** Departments of a manager. */
  readonly departments?: readonly string[]
  /** Their own number, if they are on the people list. */
  readonly ref?: string
}

/** What is asked about. */
export interface Subject {
  readonly site?: string
  /** The person whose record it is; null for nobody. */
  readonly person?: string | null
  readonly department?: string | undefined
}

/** Fields that say who somebody is, `subject` and `detail` those of audit records. All else tells nothing of a person. */
export const PERSONAL_FIELDS = ['person', 'name', 'department', 'subject', 'detail', 'credential', 'raw'] as const
export type PersonalField = (typeof PERSONAL_FIELDS)[number]

export interface Decision {
  readonly allowed: boolean
  /** Personal fields that are shown; the others are left out. */
  readonly shown: readonly PersonalField[]
  /** The view of this person's records goes on record. */
  readonly audited: boolean
}

const DENIED: Decision = { allowed: false, shown: [], audited: false }
/** Numbers of cards open doors: only those who hand them out see them. */
const WITHOUT_CREDENTIAL = ['person', 'name', 'department', 'subject', 'detail'] as const
const OF_RECORDS: readonly Action[] = ['see-records', 'see-person']

export function decide(asker: Asker, action: Action, subject: Subject = {}): Decision {
  switch (asker.role) {
    case 'viewer':
      // Counts and states: nobody behind them.
      return action === 'see-state' || action === 'see-records' ? allow([], asker, action, subject) : DENIED
    case 'operator':
      if (action === 'see-state') return allow([], asker, action, subject)
      return OF_RECORDS.includes(action) && isOf(asker.sites, subject.site)
        ? allow(WITHOUT_CREDENTIAL, asker, action, subject)
        : DENIED
    case 'manager':
      if (action === 'see-state') return allow([], asker, action, subject)
      // A record of nobody belongs to no department.
      return OF_RECORDS.includes(action) && isOf(asker.departments, subject.department)
        ? allow(WITHOUT_CREDENTIAL, asker, action, subject)
        : DENIED
    case 'admin':
      return allow(PERSONAL_FIELDS, asker, action, subject)
  }
}

/** A record of which the personal fields that a decision does not show are null. */
export function shownOf(record: Readonly<Record<string, unknown>>, { shown }: Decision): Record<string, unknown> {
  const hidden = PERSONAL_FIELDS.filter((field) => field in record && !shown.includes(field))
  const { claim } = record
  // The name of a terminal's own record may hold the user's number.
  const claimed = typeof claim === 'object' && claim !== null && !shown.includes('credential')
  return {
    ...record,
    ...Object.fromEntries(hidden.map((field) => [field, null])),
    ...(claimed && { claim: { ...claim, record: null } }),
  }
}

/** What goes on record when somebody looks at the records of another. */
export function auditOfView({ id, role }: Pick<Asker, 'id' | 'role'>, person: string, what: string) {
  return { type: 'person-viewed', subject: person, detail: { by: id, role, what } } as const
}

function allow(shown: Decision['shown'], { ref }: Asker, action: Action, { person }: Subject): Decision {
  const ofOther = typeof person === 'string' && person !== ref
  return { allowed: true, shown, audited: ofOther && shown.length > 0 && OF_RECORDS.includes(action) }
}

function isOf(own: readonly string[] | undefined, asked: string | undefined): boolean {
  return asked !== undefined && asked !== '' && own?.includes(asked) === true
}
