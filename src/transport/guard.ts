/**
 * Reads and writes an open serial port in place of serialport's own loops, which have two faults (13.0.0, both
 * reproduced on a pty):
 *  - A device that leaves while it is being read makes the kernel answer "no bytes" at once and for ever. serialport
 *    asks again without end: a busy core, and nobody learns that the device is gone.
 *  - It closes the descriptor under a read that is under way. When the number is given to another file meanwhile, that
 *    read takes the other file's bytes, or blocks a thread of the pool for good and with it the end of the process.
 */
import { read, write } from 'node:fs'
import { promisify } from 'node:util'

/** What serialport's Linux binding shows of an open port. */
export interface RawPort {
  fd: number | null
  readonly poller: { once(event: 'readable' | 'writable', then: (error: Error | null) => void): unknown }
  read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }>
  write(buffer: Buffer): Promise<void>
  close(): Promise<void>
}

const readFd = promisify(read)
const writeFd = promisify(write)

/** Replaces the port's `read`, `write` and `close`. To be called before the first of them. */
export function guard(port: RawPort): void {
  const release = port.close.bind(port)
  const calls = new Calls(port)
  port.read = async (buffer, offset, length) => {
    for (;;) {
      const taken = await calls.run(async (fd) => (await readFd(fd, buffer, offset, length, null)).bytesRead)
      if (taken === 0) throw new Error('the device hung up')
      if (taken !== 'nothing yet') return { buffer, bytesRead: taken }
      await becomes(port, 'readable')
    }
  }
  port.write = async (buffer) => {
    for (let at = 0; at < buffer.length;) {
      const given = await calls.run(
        async (fd) => (await writeFd(fd, buffer, at, buffer.length - at, null)).bytesWritten,
      )
      if (given === 'nothing yet') await becomes(port, 'writable')
      else at += given
    }
  }
  port.close = async () => {
    await calls.end()
    await release() // Ends those who wait for `becomes` as cancelled.
  }
}

/** The system calls under way on the descriptor. It does not block, so they end by themselves. */
class Calls {
  readonly #port: RawPort
  readonly #running = new Set<Promise<number>>()
  #over = false

  constructor(port: RawPort) {
    this.#port = port
  }

  async run(call: (fd: number) => Promise<number>): Promise<number | 'nothing yet'> {
    const { fd } = this.#port
    if (this.#over || fd === null) throw Object.assign(new Error('the port is closed'), { canceled: true })
    const running = call(fd)
    this.#running.add(running)
    try {
      return await running
    } catch (error) {
      if (isAgain(error)) return 'nothing yet'
      throw error
    } finally {
      this.#running.delete(running)
    }
  }

  /** Lets no further call begin, and waits for those that have. */
  async end(): Promise<void> {
    this.#over = true
    await Promise.allSettled(this.#running)
  }
}

function isAgain(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EINTR')
}

function becomes(port: RawPort, event: 'readable' | 'writable'): Promise<void> {
  return new Promise((resolve, reject) => port.poller.once(event, (error) => (error ? reject(error) : resolve())))
}
