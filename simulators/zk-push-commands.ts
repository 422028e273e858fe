/** What a simulated push terminal does when it is told to. [ZKPUSH §5] */

export interface Screen {
  /** Users by number, with name and card as they were written. */
  readonly users: Map<string, { readonly name: string; readonly card: string }>
  /** User and finger of each enrolment. */
  readonly enrolled: string[]
  reboots: number
}

const UNKNOWN_COMMAND = -1002
const NO_SUCH_USER = -10
const EXISTS = 2

/** Obeys; returns what the terminal answers. */
export function obeyed(command: string, screen: Screen): number {
  if (command === 'REBOOT') {
    screen.reboots += 1
    return 0
  }
  if (command === 'RELOAD OPTIONS') return 0
  const update = /^DATA UPDATE USERINFO (.*)$/.exec(command)?.[1]
  if (update !== undefined) {
    const fields = new Map(update.split('\t').map((field) => [field.split('=')[0], field.split('=')[1] ?? ''] as const))
    screen.users.set(fields.get('PIN') ?? '', { name: fields.get('Name') ?? '', card: fields.get('Card') ?? '' })
    return 0
  }
  const removed = /^DATA DELETE USERINFO PIN=(.*)$/.exec(command)?.[1]
  if (removed !== undefined) return screen.users.delete(removed) ? 0 : NO_SUCH_USER
  const finger = /^ENROLL_FP PIN=([^\t]+)\tFID=(\d)\tRETRY=\d\tOVERWRITE=0$/.exec(command)
  if (!finger) return UNKNOWN_COMMAND
  const key = `${finger[1]}/${finger[2]}`
  if (screen.enrolled.includes(key)) return EXISTS
  screen.enrolled.push(key)
  return 0
}
