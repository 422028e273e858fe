/** The log of a simulated face terminal, and how it is searched: `AcsEvent`, page by page. */

export interface LogEntry {
  readonly serialNo: number
  readonly major: number
  readonly minor: number
  /** As its clock showed it, with its zone of that time. */
  readonly time: string
  readonly wall: number
  readonly employee: string
  readonly name: string
  readonly card: string
  readonly cardType?: number
  readonly mode: string
  readonly status: string
}

/** `2026-01-05T08:59:58+08:00` */
export function timeText(wall: number, offsetMinutes: number): string {
  const shown = new Date(wall + offsetMinutes * 60_000).toISOString().slice(0, 19)
  const minutes = Math.abs(offsetMinutes)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${shown}${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

export interface Condition {
  readonly searchID?: string
  readonly searchResultPosition?: number
  readonly maxResults?: number
  readonly major?: number
  readonly minor?: number
  readonly startTime?: string
  readonly endTime?: string
  readonly beginSerialNo?: number
  readonly endSerialNo?: number
}

export class EventLog {
  readonly entries: LogEntry[] = []
  /** Whether it knows `beginSerialNo`; older firmware does not look at it. */
  knowsSerials = true
  /** Some firmware writes NO MATCHES. */
  noMatch = 'NO MATCH'
  /** So many records a page at most, whatever is asked for. */
  mostResults = 30
  /** Called before each page: people go on coming while somebody reads. */
  onPage: () => void = () => undefined
  /** Questions for pages so far. */
  pages = 0
  readonly #capacity: number
  #search = ''

  constructor(capacity = 100_000) {
    this.#capacity = capacity
  }

  add(entry: LogEntry): void {
    this.entries.push(entry)
    if (this.entries.length > this.#capacity) this.entries.shift()
  }

  /** The answer to a question, as JSON; undefined when it is refused. */
  page(condition: Condition): string | undefined {
    this.pages += 1
    const { searchID = '', searchResultPosition: from = 0, maxResults = 0 } = condition
    if (searchID === '' || maxResults < 1 || (from > 0 && searchID !== this.#search)) return undefined
    if (condition.startTime === undefined || condition.endTime === undefined) return undefined
    this.#search = searchID
    this.onPage()
    const all = this.entries.filter((entry) => this.#fits(entry, condition))
    const list = all.slice(from, from + Math.min(maxResults, this.mostResults))
    const isMore = from + list.length < all.length
    const status = list.length === 0 ? this.noMatch : isMore ? 'MORE' : 'OK'
    return JSON.stringify({
      AcsEvent: {
        searchID,
        responseStatusStrg: status,
        numOfMatches: list.length,
        totalMatches: all.length,
        ...(list.length > 0 && { InfoList: list.map(infoOf) }),
      },
    })
  }

  #fits(entry: LogEntry, condition: Condition): boolean {
    const { major = 0, minor = 0, startTime = '', endTime = '', beginSerialNo = 0, endSerialNo = Infinity } = condition
    if (this.knowsSerials && (entry.serialNo < beginSerialNo || entry.serialNo > endSerialNo)) return false
    const isKind = (major === 0 || entry.major === major) && (minor === 0 || entry.minor === minor)
    // Whole seconds: that is all it writes down.
    const second = Math.floor(entry.wall / 1_000) * 1_000
    return isKind && second >= Date.parse(startTime) && second <= Date.parse(endTime)
  }
}

function infoOf({ major, minor, time, employee, name, card, serialNo, mode, status }: LogEntry) {
  const person = employee === '' ? {} : { employeeNoString: employee, name, attendanceStatus: status }
  return { major, minor, time, cardNo: card, cardReaderNo: 1, doorNo: 1, serialNo, currentVerifyMode: mode, ...person }
}
