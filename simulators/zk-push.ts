/**
 * Twin of an attendance terminal that pushes its log over HTTP. A second reading of the sheet; it shares no code with the
 * driver. Clauses [ZKPUSH §n]: drivers/zk-push/README.md.
 */
import type { Clock } from '../src/driver.js'
import { obeyed, type Screen } from './zk-push-commands.js'

export interface PushReply {
  readonly status: number
  readonly body: string
  /** Milliseconds since 1970 of the Date header, where one came. */
  readonly date?: number
}
/** Sends one request; rejects when the network or the server is away. */
export type PushSend = (method: 'GET' | 'POST', url: string, body?: string) => Promise<PushReply>

export interface ZkPushOptions {
  readonly clock: Clock
  readonly serial: string
  readonly send: PushSend
  /** Its clock is so far ahead of the true time. */
  readonly aheadMs?: number
  /** It sets its clock from the Date header when it greets, as real ones do. Default false. */
  readonly takesTime?: boolean
  /** Rows in one upload. Default 500. */
  readonly batch?: number
  readonly password?: string
}

/** What goes wrong, so many times each. */
export interface ZkPushFaults {
  /** An upload is sent a second time though it was thanked for. */
  again: number
  /** Rows end with CR LF. */
  crlf: number
  /** A row that no calendar has goes with the upload. */
  poison: number
}

interface Row {
  readonly user: string
  readonly wall: number
  readonly status: number
  readonly verify: number
}

const RETRY_MS = 1_000

export class ZkPush {
  readonly faults: ZkPushFaults = { again: 0, crlf: 0, poison: 0 }
  /** What a person sees and hears, oldest first. */
  readonly screen: Screen = { users: new Map(), enrolled: [], reboots: 0 }
  /** Uploads thanked for. */
  uploads = 0
  /** Records that are not uploaded yet. */
  readonly #pending: Row[] = []
  readonly #options: Required<Omit<ZkPushOptions, 'password'>> & { readonly password: string }
  #aheadMs: number
  #zoneMinutes = 0
  #delayMs = 10_000
  #stamp = 0
  #isGreeted = false
  #hasNews: (() => void) | undefined

  constructor(options: ZkPushOptions) {
    this.#options = { aheadMs: 0, takesTime: false, batch: 500, password: '', ...options }
    this.#aheadMs = this.#options.aheadMs
  }

  get pending(): number {
    return this.#pending.length
  }

  /** Somebody stands before it; `agoMs`: it happened so long ago, when nobody listened. */
  punch(user: string, { status = 0, verify = 15, agoMs = 0 } = {}): void {
    this.#pending.push({ user, status, verify, wall: this.#wall() - agoMs })
    this.#hasNews?.()
  }

  /** Talks to the server until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (!this.#isGreeted) await this.#greet()
        while (this.#pending.length > 0 && !signal.aborted) await this.#upload()
        await this.#poll()
        await this.#rest(signal)
      } catch {
        // No network, or not thanked: it keeps what it has and begins anew. [ZKPUSH §1]
        this.#isGreeted = false
        await this.#options.clock.sleep(RETRY_MS, signal)
      }
    }
  }

  #wall(): number {
    return this.#options.clock.now().wall + this.#aheadMs
  }

  #url(path: string, query: string): string {
    return `/iclock/${path}?SN=${this.#options.serial}${query}`
  }

  async #greet(): Promise<void> {
    const key = this.#options.password === '' ? '' : `&pushcommkey=${this.#options.password}`
    const query = `&options=all&pushver=2.4.1&DeviceType=att&language=69${key}&PushOptionsFlag=1`
    const { status, body, date } = await this.#options.send('GET', this.#url('cdata', query))
    const lines = body.split('\n')
    if (status !== 200 || lines[0]?.trim() !== `GET OPTION FROM: ${this.#options.serial}`) throw new Error('no welcome')
    const told = new Map(lines.slice(1).map((line) => [line.split('=')[0], line.split('=')[1]] as const))
    const zone = Number(told.get('TimeZone'))
    this.#zoneMinutes = Math.abs(zone) > 60 ? zone : zone * 60
    this.#delayMs = Number(told.get('Delay')) * 1_000
    if (this.#options.takesTime && date !== undefined) this.#aheadMs = date - this.#options.clock.now().wall
    this.#isGreeted = true
    await this.#options.send('POST', this.#url('cdata', '&table=options'), '~DeviceName=Twin,FWVersion=Ver 1.1.17')
  }

  async #upload(): Promise<void> {
    const rows = this.#pending.slice(0, this.#options.batch)
    const end = this.#takes('crlf') ? '\r\n' : '\n'
    const text = rows.map((row) => this.#line(row) + end)
    if (this.#takes('poison')) text.push(`77\t2026-02-31 25:00:00\t0\t1\t0${end}`)
    const stamp = this.#stamp + rows.length
    const query = `&table=ATTLOG&Stamp=${stamp}`
    const { status, body } = await this.#options.send('POST', this.#url('cdata', query), text.join(''))
    if (status !== 200 || !body.startsWith('OK')) throw new Error('not thanked')
    this.uploads += 1
    if (this.#takes('again')) return
    this.#pending.splice(0, rows.length)
    this.#stamp = stamp
  }

  /** Newer models write seven fields, older ones four. [ZKPUSH §3] */
  #line({ user, wall, status, verify }: Row): string {
    const local = new Date(wall + this.#zoneMinutes * 60_000).toISOString().slice(0, 19).replace('T', ' ')
    return [user, local, status, verify, ...(wall % 2_000 < 1_000 ? [0, 0, 0] : [])].join('\t')
  }

  async #poll(): Promise<void> {
    const { body } = await this.#options.send('GET', this.#url('getrequest', '&INFO=Ver 1.1.17,20,0,5000,10.0.0.9'))
    for (const line of body.split('\n').filter((text) => text.startsWith('C:'))) {
      const [, id = '', command = ''] = /^C:([^:]+):(.*)$/.exec(line) ?? []
      const code = obeyed(command, this.screen)
      if (command === 'RELOAD OPTIONS' || command === 'REBOOT') this.#isGreeted = false
      const verb = command.split(' ')[0] ?? ''
      await this.#options.send('POST', this.#url('devicecmd', ''), `ID=${id}&Return=${code}&CMD=${verb}`)
    }
  }

  /** Until the next question, or until somebody punches. */
  async #rest(signal: AbortSignal): Promise<void> {
    if (!this.#isGreeted || this.#pending.length > 0) return
    const over = new AbortController()
    const stop = (): void => over.abort()
    this.#hasNews = stop
    signal.addEventListener('abort', stop, { once: true })
    await this.#options.clock.sleep(this.#delayMs, over.signal)
    signal.removeEventListener('abort', stop)
    this.#hasNews = undefined
  }

  #takes(fault: keyof ZkPushFaults): boolean {
    if (this.faults[fault] === 0) return false
    this.faults[fault] -= 1
    return true
  }
}
