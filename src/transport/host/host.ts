/**
 * Runs a native package in a child process. Whatever the package does (spin, block, crash, leak), the daemon sees a
 * TransportError, reopens with its usual back-off, and thereby starts a fresh child.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../../driver.js'
import { DeviceError, TransportError } from '../../errors.js'
import { parseToParent, type Fault, type Request, type ToParent } from './wire.js'

export interface HostLimits {
  /** From fork to the first sign of life: starting Node and loading a package from a slow SD card. */
  readonly startMs: number
  /** Longest silence of a running child. */
  readonly silentMs: number
  /** Longest wait for one answer. */
  readonly requestMs: number
  /** Grace before a child that was told to end is killed. */
  readonly closeMs: number
  readonly memoryMb: number
  /** Requests under way; beyond it they are refused at once. */
  readonly pending: number
}

const LIMITS: HostLimits = {
  startMs: 15_000,
  silentMs: 1_500,
  requestMs: 5_000,
  closeMs: 1_000,
  memoryMb: 64,
  pending: 64,
}
const MAX_STDERR = 2_000
const SETPRIV = '/usr/bin/setpriv'

export interface HostOptions {
  /** What runs in the child, for messages: `pcsc`. */
  readonly name: string
  readonly program: URL
  /** What the program finds in `process.argv` from 2 on. */
  readonly args?: readonly string[]
  readonly log: Logger
  readonly onEvent: (body: unknown) => void
  /** Called once when a started child is of no use any more; not after `close()`. */
  readonly onLost: (error: TransportError) => void
  readonly limits?: Partial<HostLimits>
}

interface Waiting {
  readonly resolve: (body: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

export class Host {
  readonly #options: HostOptions
  readonly #limits: HostLimits
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #waiting = new Map<number, Waiting>()
  readonly #watch: NodeJS.Timeout
  readonly #lookMs: number
  #started: ((error?: TransportError) => void) | undefined
  #nextId = 1
  #heard = false
  #heardAt = performance.now()
  #watchedAt = performance.now()
  #stderr = ''
  #over: TransportError | undefined

  /** Resolves when the child is ready; throws TransportError, and leaves no process, when it does not come up. */
  static async start(options: HostOptions): Promise<Host> {
    const host = new Host(options)
    const error = await new Promise<TransportError | undefined>((resolve) => (host.#started = resolve))
    host.#started = undefined
    if (!error) return host
    await host.close()
    throw error
  }

  private constructor(options: HostOptions) {
    this.#options = options
    this.#limits = { ...LIMITS, ...options.limits }
    this.#lookMs = this.#limits.silentMs / 5
    this.#child = fork(fileURLToPath(options.program), options.args ?? [], {
      // The child inherits our environment: PCSCLITE_CSOCK_NAME and the like lead to the same service.
      ...launch([`--max-old-space-size=${this.#limits.memoryMb}`, '--no-deprecation']),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#exited = new Promise((resolve) => {
      // 'exit' may overtake the child's last words in the channel; 'close' does not come after a disconnect.
      this.#child.once('close', (code, signal) => this.#died(signal ?? `exit ${code}`))
      this.#child.once('exit', () => resolve())
      this.#child.once('error', (error) => (this.#died(error.message), resolve()))
    })
    this.#child.stderr?.on(
      'data',
      (text: Buffer) => (this.#stderr = (this.#stderr + text.toString()).slice(-MAX_STDERR)),
    )
    this.#child.on('message', (message) => this.#take(parseToParent(message)))
    this.#watch = setInterval(() => this.#look(), this.#lookMs)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Asks the child; rejects with TransportError or DeviceError when it refuses, is gone, or takes too long. */
  request(verb: string, body: unknown): Promise<unknown> {
    if (this.#over) return Promise.reject(this.#over)
    if (this.#waiting.size >= this.#limits.pending) {
      return Promise.reject(new TransportError('transport-lost', `the ${this.#options.name} process does not keep up`))
    }
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const late = new TransportError('transport-lost', `the ${this.#options.name} process did not answer ${verb}`)
      const timer = setTimeout(() => this.#settle(id)?.reject(late), this.#limits.requestMs)
      this.#waiting.set(id, { resolve, reject, timer })
      // A failed write shows as the child's end; without a callback it would be an exception.
      this.#child.send({ kind: 'request', id, verb, body } satisfies Request, () => undefined)
    })
  }

  /** Ends the child. Never throws; when it resolves, the process is gone. */
  async close(): Promise<void> {
    this.#end(new TransportError('transport-lost', `the ${this.#options.name} process was closed`))
    // A beating child leaves when the channel closes; one that is stuck cannot notice and is killed.
    if (this.#child.connected) this.#child.disconnect()
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), this.#limits.closeMs)
    await this.#exited
    clearTimeout(kill)
  }

  #take(message: ToParent | undefined): void {
    this.#heard = true
    this.#heardAt = performance.now()
    if (!message || this.#over) return
    if (message.kind === 'ready') this.#started?.()
    else if (message.kind === 'event') this.#options.onEvent(message.body)
    else if (message.kind === 'reply') this.#settle(message.id)?.resolve(message.body)
    else if (message.kind === 'refusal') this.#settle(message.id)?.reject(errorOf(message.fault))
    else if (message.kind === 'fatal') this.#lose(transportError(message.fault))
  }

  #look(): void {
    const now = performance.now()
    // A parent that was held up itself (suspend, a stalled disk) cannot blame the child, whose beats lie unread: the
    // delay of this very look does not count as silence.
    this.#heardAt += Math.max(0, now - this.#watchedAt - this.#lookMs)
    this.#watchedAt = now
    const limitMs = this.#heard ? this.#limits.silentMs : this.#limits.startMs
    if (now - this.#heardAt > limitMs) this.#crashed('silent', `fell silent for ${limitMs} ms and was killed`)
  }

  #died(how: string): void {
    this.#crashed(how, `ended unexpectedly (${how})`)
  }

  #crashed(how: string, what: string): void {
    if (this.#over) return
    const { name, log } = this.#options
    const stderr = this.#stderr.trim().split('\n').at(-1) ?? ''
    log.warn('Child process of a native package ended', { host: name, pid: this.pid, how, stderr })
    this.#lose(new TransportError('transport-lost', `the ${name} process ${what}`))
  }

  #lose(error: TransportError): void {
    if (this.#over) return
    const started = this.#started
    this.#end(error)
    this.#child.kill('SIGKILL')
    if (started) started(error)
    else this.#options.onLost(error)
  }

  #end(error: TransportError): void {
    if (this.#over) return
    this.#over = error
    clearInterval(this.#watch)
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(error)
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    if (!waiting) return undefined
    clearTimeout(waiting.timer)
    this.#waiting.delete(id)
    return waiting
  }
}

/**
 * A child that is stuck in native code cannot notice that its parent was killed, and would spin for ever: where
 * util-linux is at hand, the kernel ends it. The process id stays the child's own, as setpriv only executes it.
 */
function launch(flags: string[]): { execPath: string; execArgv: string[] } {
  if (!existsSync(SETPRIV)) return { execPath: process.execPath, execArgv: flags }
  return { execPath: SETPRIV, execArgv: ['--pdeathsig', 'KILL', process.execPath, ...flags] }
}

function errorOf(fault: Fault): Error {
  if (fault.code !== 'device-refused') return transportError(fault)
  return new DeviceError(fault.code, fault.message, fault.hint === undefined ? {} : { hint: fault.hint })
}

function transportError({ code, message, hint }: Fault): TransportError {
  return new TransportError(code, message, hint === undefined ? {} : { hint })
}
