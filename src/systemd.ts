/**
 * What systemd is told: started, status line, alive, stopping. Node cannot open the datagram socket of systemd, and
 * native packages for it are what users of other daemons fail to build, so its own `systemd-notify` does it.
 */
import { spawn } from 'node:child_process'
import type { Clock } from './clock.js'
import type { Logger } from './driver.js'

const HELPER_MS = 5_000
/** The status line is for people. */
const STATUS_PAUSE_MS = 1_000

export interface SystemdOptions {
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn'>
  readonly env?: NodeJS.ProcessEnv
  readonly program?: string
  /** The longest that one helper may take: a receiver that never answers must not keep it for ever. */
  readonly helperMs?: number
}

/** Does nothing outside systemd. Nothing here ever throws or rejects: the daemon runs on without systemd. */
export class Systemd {
  readonly #clock: Clock
  readonly #log: Pick<Logger, 'warn'>
  readonly #env: NodeJS.ProcessEnv
  readonly #program: string
  readonly #helperMs: number
  readonly #stop = new AbortController()
  /** What the next helper carries; a newer value takes the place of one that has not left yet. */
  readonly #pending = new Map<string, string>()
  #sending: Promise<void> | undefined
  #status = { wanted: '', sent: '', following: false }
  /** Whether systemd may not have heard yet that start-up is complete. */
  #readyOwed = false
  #warned = false

  constructor(options: SystemdOptions) {
    this.#clock = options.clock
    this.#log = options.log
    this.#env = options.env ?? process.env
    this.#program = options.program ?? 'systemd-notify'
    this.#helperMs = options.helperMs ?? HELPER_MS
  }

  /** Start-up is complete. Resolves when systemd has been told. */
  ready(status: string): Promise<void> {
    this.#status.wanted = this.#status.sent = oneLine(status)
    this.#readyOwed = true
    return this.#send({ STATUS: this.#status.sent })
  }

  /** The line that `systemctl status` shows. Sent when it changes, at most once a second. */
  status(text: string): void {
    this.#status.wanted = oneLine(text)
    if (!this.#status.following) void this.#followStatus()
  }

  /** A clean stop has begun. Resolves when systemd has been told. */
  stopping(): Promise<void> {
    this.#stop.abort()
    return this.#send({ STOPPING: '1' })
  }

  /**
   * Until `signal` aborts: tells systemd twice per WatchdogSec that the daemon is alive, if `isAlive` said so since
   * the last time. No answer is no life: then systemd restarts the daemon. Resolves at once without WatchdogSec.
   */
  async watchdog(isAlive: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const intervalMs = this.#watchdogMs() / 2
    if (!Number.isFinite(intervalMs)) return
    let check: Promise<boolean> | undefined
    while (!signal.aborted) {
      const pause = this.#clock.sleep(intervalMs, signal)
      // A check that hangs is waited for, not started again: it would pile up behind whatever is stuck.
      check ??= Promise.resolve()
        .then(isAlive)
        .catch(() => false)
      const alive = await Promise.race([check, pause.then(() => undefined)])
      if (alive !== undefined) check = undefined
      if (alive === true) void this.#send({ WATCHDOG: '1' })
      await pause
    }
  }

  /** WATCHDOG_PID names another process when a wrapper is watched instead of us. */
  #watchdogMs(): number {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = this.#env
    if (!NOTIFY_SOCKET) return Number.NaN
    if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(process.pid)) return Number.NaN
    const usec = Number(WATCHDOG_USEC)
    return usec > 0 ? usec / 1_000 : Number.NaN
  }

  async #followStatus(): Promise<void> {
    const status = this.#status
    status.following = true
    while (status.wanted !== status.sent && !this.#stop.signal.aborted) {
      status.sent = status.wanted
      void this.#send({ STATUS: status.sent })
      await this.#clock.sleep(STATUS_PAUSE_MS, this.#stop.signal)
    }
    status.following = false
  }

  #send(fields: Readonly<Record<string, string>>): Promise<void> {
    if (!this.#env.NOTIFY_SOCKET) return Promise.resolve()
    for (const [name, value] of Object.entries(fields)) this.#pending.set(name, value)
    this.#sending ??= this.#drain()
    return this.#sending
  }

  /** One helper at a time: systemd gets things in order, and a stuck helper does not become many. */
  async #drain(): Promise<void> {
    while (this.#pending.size > 0) {
      const fields = [...this.#pending].map(([name, value]) => `${name}=${value}`)
      this.#pending.clear()
      await this.#notify(this.#readyOwed ? ['READY=1', ...fields] : fields)
    }
    this.#sending = undefined
  }

  async #notify(fields: readonly string[]): Promise<void> {
    const problem = await this.#run(fields)
    if (problem === undefined) this.#readyOwed = false
    else this.#warnOnce(problem)
  }

  /**
   * Resolves to what went wrong. Never with `--no-block`: systemd asks for the sender's unit when it reads the
   * message, and of helpers that had left by then it lost 126 messages in 300 (Debian 12, unprivileged user); of
   * those that waited, none. Never synchronous: some receivers do not answer, and the daemon must not stand still.
   */
  #run(fields: readonly string[]): Promise<string | undefined> {
    const limits = { timeout: this.#helperMs, killSignal: 'SIGKILL' } as const
    return new Promise((resolve) => {
      const child = spawn(this.#program, fields, { env: this.#env, stdio: 'ignore', ...limits })
      child.once('error', (error) => {
        resolve(error.message)
      })
      child.once('close', (code) => {
        resolve(code === 0 ? undefined : code === null ? 'it got no answer' : `it ended with ${code}`)
      })
    })
  }

  #warnOnce(problem: string): void {
    if (this.#warned) return
    this.#warned = true
    this.#log.warn('systemd cannot be told how the daemon does', { program: this.#program, problem })
  }
}

/** Each line of a notification is a field of its own. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
