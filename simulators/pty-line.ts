/**
 * A twin on a real pseudo terminal, made by socat: the daemon opens `link` as if it were a UART.
 *
 * A pty differs from a UART in two ways, dealt with here. When the last opener of its slave side closes it, the
 * master fails; so this end keeps the slave open, and the daemon may close and reopen it as it likes. And it stores
 * bytes that nobody reads, up to about 4 kB, where a UART loses them; serialport flushes a port when it opens it, so
 * they are lost all the same. Beyond what the pty stores, `send` drops bytes and says `lost`.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, existsSync, openSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery, PluggableLine } from './line.js'

/** Bytes that wait for socat; more means that nobody reads the port. */
const MAX_WAITING_BYTES = 64 * 1024
const START_TIMEOUT_MS = 5_000
const POLL_MS = 5

/** Makes the pty and the link to it. Throws when socat is missing. */
export async function ptyLine(link: string): Promise<PluggableLine> {
  const line = new PtyLine(link)
  await line.plug()
  return line
}

class PtyLine implements PluggableLine {
  onReceive: ((bytes: Uint8Array) => void) | undefined
  readonly #link: string
  #socat: ChildProcess | undefined
  /** Our own opening of the slave side. */
  #keeper: number | undefined
  /** An unplug under way: plugging in waits for it, or it would take the new link away. */
  #leaving: Promise<void> = Promise.resolve()

  constructor(link: string) {
    this.#link = link
  }

  get url(): string {
    return `serial:${this.#link}`
  }

  send(bytes: Uint8Array): Delivery {
    const input = this.#socat?.stdin
    if (!input?.writable || input.writableLength > MAX_WAITING_BYTES) return 'lost'
    input.write(bytes)
    return 'whole'
  }

  async plug(): Promise<void> {
    await this.#leaving
    if (this.#socat) return
    rmSync(this.#link, { force: true })
    const socat = spawn('socat', [`PTY,link=${this.#link},raw,echo=0`, '-'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // A Ctrl-C in the terminal is for us to deal with; socat ends when our end of its input closes.
      detached: true,
    })
    let complaint = ''
    socat.stderr.on('data', (text: Buffer) => (complaint = text.toString().trim()))
    socat.on('error', () => (complaint = 'socat is not installed: apt install socat'))
    socat.stdin.on('error', () => undefined) // It ends when unplugged, with bytes on their way.
    socat.stdout.on('data', (bytes: Buffer) => this.onReceive?.(bytes))
    try {
      await appears(this.#link, () => complaint || (socat.exitCode !== null ? 'socat ended' : ''))
    } catch (error) {
      socat.kill()
      throw error
    }
    this.#keeper = openSync(this.#link, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
    this.#socat = socat
  }

  /** The link vanishes, and the port fails for whoever has it open. */
  unplug(): Promise<void> {
    const socat = this.#socat
    if (socat) {
      this.#socat = undefined
      this.#leaving = this.#end(socat)
    }
    return this.#leaving
  }

  close(): Promise<void> {
    return this.unplug()
  }

  async #end(socat: ChildProcess): Promise<void> {
    const exited = socat.exitCode === null && socat.signalCode === null ? once(socat, 'exit') : undefined
    // Not SIGTERM: socat notes that one and goes on waiting if it comes just before it begins to wait.
    socat.kill('SIGKILL')
    await exited
    if (this.#keeper !== undefined) closeSync(this.#keeper)
    this.#keeper = undefined
    rmSync(this.#link, { force: true })
  }
}

async function appears(link: string, trouble: () => string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!existsSync(link)) {
    if (trouble() !== '') throw new Error(`no pty at ${link}: ${trouble()}`)
    if (performance.now() > deadline) throw new Error(`socat made no pty at ${link}`)
    await sleep(POLL_MS)
  }
}
