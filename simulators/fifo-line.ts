/**
 * A twin on a named pipe, which the daemon opens by `input:` as if it were an event device: bytes come one way, the
 * pipe hangs up when it is unplugged, and its name is gone then. Two things differ from a device. Somebody must keep
 * a pipe open, or its reader finds it hung up; this end does. And what nobody reads waits, up to 64 kB, where the
 * kernel gives a reader only what comes after it has opened the device.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs'
import type { Delivery, PluggableLine } from './line.js'

/** Makes the pipe at `path`. Throws when that cannot be. */
export async function fifoLine(path: string): Promise<PluggableLine> {
  const line = new FifoLine(path)
  await line.plug()
  return line
}

class FifoLine implements PluggableLine {
  /** Never called: nobody writes to a keyboard. */
  onReceive: ((bytes: Uint8Array) => void) | undefined
  readonly #path: string
  #fd: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  get url(): string {
    return `input:${this.#path}`
  }

  send(bytes: Uint8Array): Delivery {
    if (this.#fd === undefined) return 'lost'
    try {
      // Up to 4096 bytes go whole or not at all.
      return writeSync(this.#fd, bytes) === bytes.length ? 'whole' : 'damaged'
    } catch {
      return 'lost' // Full: nobody reads.
    }
  }

  plug(): Promise<void> {
    if (this.#fd !== undefined) return Promise.resolve()
    const { status, stderr } = spawnSync('mkfifo', [this.#path], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`no pipe at ${this.#path}: ${stderr}`)
    this.#fd = openSync(this.#path, constants.O_RDWR | constants.O_NONBLOCK)
    return Promise.resolve()
  }

  unplug(): Promise<void> {
    if (this.#fd === undefined) return Promise.resolve()
    rmSync(this.#path, { force: true })
    closeSync(this.#fd)
    this.#fd = undefined
    return Promise.resolve()
  }

  close(): Promise<void> {
    return this.unplug()
  }
}
