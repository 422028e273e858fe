/** Commands for one terminal: it fetches them when it asks, and tells later what became of them. [ZKPUSH §5] */
import type { Clock, ReaderRequest } from '../../src/driver.js'

interface Order {
  readonly id: string
  readonly line: string
  readonly request: ReaderRequest
  readonly until: number
  /** Told again when no result comes: what may be done twice without harm. */
  readonly repeats: boolean
  fetchedAt: number | undefined
}

/** Terminals tell that they did something, not that they heard of it. */
const AGAIN_MS = 60_000
/** A person stands at the terminal for an enrolment. */
const LONGEST_MS = 180_000

export class Orders {
  readonly #clock: Clock
  /** Makes ids that no earlier run used: a late result must not end the wrong command. */
  readonly #prefix: string
  #count = 0
  readonly #orders: Order[] = []

  constructor(clock: Clock, prefix: string) {
    this.#clock = clock
    this.#prefix = prefix
  }

  /** Takes a request; it ends when the terminal tells the result, or nothing for too long. */
  add(request: ReaderRequest): void {
    const line = commandOf(request)
    if (line === undefined) return request.fail('this terminal cannot be asked that over the network')
    if (typeof line !== 'string') return request.fail(line.problem)
    this.#count += 1
    const id = `${this.#prefix}${this.#count.toString(36)}`
    const until = this.#clock.uptime() + LONGEST_MS
    const repeats = request.kind !== 'reboot' && request.kind !== 'enroll'
    this.#orders.push({ id, line, request, until, repeats, fetchedAt: undefined })
    request.progress('queued', 'The terminal gets it when it asks next, within some seconds.')
  }

  /** What the terminal is told now, `C:id:command` each; empty when there is nothing. */
  fetch(): string[] {
    const now = this.#clock.uptime()
    const due = this.#orders.filter(
      ({ fetchedAt, repeats }) => fetchedAt === undefined || (repeats && now - fetchedAt >= AGAIN_MS),
    )
    for (const order of due) {
      order.fetchedAt = now
      const text =
        order.request.kind === 'enroll'
          ? 'Now put the finger on the terminal, as its screen says.'
          : 'The terminal has it.'
      order.request.progress('fetched', text)
    }
    return due.map(({ id, line }) => `C:${id}:${line}`)
  }

  /** Takes a result; a stranger's is nobody's. */
  ended(id: string, code: number): void {
    const at = this.#orders.findIndex((order) => order.id === id)
    const [order] = at < 0 ? [] : this.#orders.splice(at, 1)
    if (code >= 0 && !(order?.request.kind === 'enroll' && code > 0)) return order?.request.done()
    order?.request.fail(`the terminal refuses: ${REASONS[code] ?? 'for a reason of its own'} (${code})`)
  }

  /** Lets go of what nobody waits for any more. Call it now and then. */
  prune(): void {
    const now = this.#clock.uptime()
    for (const order of [...this.#orders]) {
      const isLate = now > order.until
      if (!isLate && !order.request.signal.aborted) continue
      this.#orders.splice(this.#orders.indexOf(order), 1)
      if (!isLate) order.request.fail('given up; the terminal may do it all the same')
      else if (order.fetchedAt === undefined)
        order.request.fail('the terminal did not ask for it', 'punchd readers shows whether it is up') // prettier-ignore
      else order.request.fail('the terminal took it and told no result', 'look at its screen')
    }
  }
}

/** [ZKPUSH §5] */
const REASONS: Readonly<Record<number, string>> = {
  [-1]: 'a value is wrong, or it does not know the command',
  [-3]: 'it cannot read or write its storage',
  [-10]: 'it knows no such user',
  [-1001]: 'it is full',
  [-1002]: 'it does not know the command',
  [-1003]: 'nobody came in time',
  [-1004]: 'its settings do not allow it',
  [-1005]: 'it is busy',
  2: 'this finger is stored already',
  4: 'it failed; try again',
  5: 'this finger belongs to somebody else',
  6: 'it was cancelled at the terminal',
  7: 'it is busy',
}

const USER = /^[\w.-]{1,24}$/

/** The command, or what is wrong with the request; undefined when there is none for it. */
function commandOf({ kind, args }: ReaderRequest): string | { readonly problem: string } | undefined {
  const user = String(args['user'] ?? args['person'] ?? '')
  if (['add-user', 'remove-user', 'enroll'].includes(kind) && !USER.test(user)) {
    return { problem: `"${user}" is no user number: 1 to 24 letters and digits` }
  }
  switch (kind) {
    case 'reboot':
      return 'REBOOT'
    // The answer to the handshake that follows carries our time and zone: there is no command for it. [ZKPUSH §6]
    case 'set-time':
      return 'RELOAD OPTIONS'
    case 'remove-user':
      return `DATA DELETE USERINFO PIN=${user}`
    case 'add-user':
      return userLine(user, String(args['name'] ?? ''), String(args['card'] ?? ''))
    case 'enroll':
      return `ENROLL_FP PIN=${user}\tFID=${Number(args['slot'] ?? 0)}\tRETRY=3\tOVERWRITE=0`
    default:
      return undefined
  }
}

function userLine(user: string, name: string, card: string): string | { readonly problem: string } {
  if (/[\t\r\n]/.test(name) || name.length > 24) return { problem: 'a name has at most 24 characters, on one line' }
  if (card !== '' && !/^[0-9A-F]{8}$/.test(card)) return { problem: 'a card has 8 hex digits here, as punchd shows it' }
  // Terminals write the four bytes of a card with the last one first. [ZKPUSH §4]
  const reversed = card.match(/../g)?.reverse().join('') ?? ''
  const field = card === '' ? '' : `[${reversed}]`
  return `DATA UPDATE USERINFO PIN=${user}\tName=${name}\tPri=0\tPasswd=\tCard=${field}\tGrp=1\tTZ=0000000100000000`
}
