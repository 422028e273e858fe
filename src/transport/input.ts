/**
 * `input:`: the events of a keyboard-like device, as the kernel gives them.
 *
 * Node's own ways to read such a file block a thread of its pool per device for as long as nobody types: four idle
 * readers stop every file access of the process, and closing does not free them. So the descriptor does not block,
 * the poller that serialport brings along tells when there is something to read (in the event loop, as for a socket),
 * and reading it is a copy of a few bytes from the kernel.
 */
import { close as closeFd, constants, fstatSync, open as openFd, readSync, type Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { ByteTransport } from '../driver.js'
import { TransportError } from '../errors.js'
import { ChunkQueue } from './chunks.js'
import { grab } from './grab.js'
import type { Opened, OpenContext, TransportUrl } from './url.js'

const BY_ID = '/dev/input/by-id'
/** 64 events of 24 bytes: as many as the kernel keeps for a reader. It gives whole events only. */
const READ_BYTES = 64 * 24
/** How often the path is looked at: it may lead to another device now, or nowhere. */
const WATCH_MS = 2_000
const LOST_HINT = 'check cable and power; the reader comes back by itself'

interface Poller {
  once(event: 'readable', then: (error: Error | null) => void): unknown
  stop(): void
  destroy(): void
}

/** Opens the path as it is written: a link under /dev/input/by-id leads to the right event number after each replug. */
export async function openInput(
  { path }: Extract<TransportUrl, { scheme: 'input' }>,
  context: OpenContext,
): Promise<Opened> {
  const newPoller = await loadPoller()
  const fd = await openFile(path)
  try {
    const file = fstatSync(fd)
    if (file.isCharacterDevice()) await keepToOurselves(fd, path, context)
    const device = new InputDevice(fd, file, path, newPoller(fd), context)
    return { kind: 'bytes', transport: device, close: () => device.close() }
  } catch (error) {
    await promisify(closeFd)(fd)
    throw error
  }
}

/** One open device. Reading is in the event loop and never waits, so closing has nothing to wait for either. */
class InputDevice implements ByteTransport {
  readonly #fd: number
  readonly #file: Stats
  readonly #path: string
  readonly #poller: Poller
  readonly #context: OpenContext
  readonly #queue: ChunkQueue
  readonly #over = new AbortController()

  constructor(fd: number, file: Stats, path: string, poller: Poller, context: OpenContext) {
    this.#fd = fd
    this.#file = file
    this.#path = path
    this.#poller = poller
    this.#context = context
    this.#queue = new ChunkQueue(context.clock, context.signal)
    this.#listen()
    void this.#watch()
  }

  [Symbol.asyncIterator]() {
    return this.#queue[Symbol.asyncIterator]()
  }

  /** There is nothing to write to a keyboard: a driver that tries has a bug. */
  write(): Promise<void> {
    return Promise.reject(new Error(`${this.#path} is an input device: it can only be read`))
  }

  async close(): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    this.#queue.close()
    this.#poller.stop()
    this.#poller.destroy()
    if (this.#queue.dropped > 0) {
      const fields = { path: this.#path, bytes: this.#queue.dropped }
      this.#context.log.warn('Bytes were dropped because the driver was slower than the wire', fields)
    }
    await promisify(closeFd)(this.#fd).catch(() => undefined) // ENODEV: it is gone, and closed all the same.
  }

  #listen(): void {
    this.#poller.once('readable', (error) => {
      if (this.#over.signal.aborted) return
      if (this.#read(error)) this.#listen()
    })
  }

  /** Reads what there is; false when the device is lost. A poll that failed still leaves what came before it. */
  #read(trouble: Error | null): boolean {
    for (;;) {
      const buffer = Buffer.allocUnsafe(READ_BYTES)
      try {
        const length = readSync(this.#fd, buffer, 0, READ_BYTES, null)
        if (length === 0) return this.#lose(new Error('the device hung up'))
        this.#queue.push(buffer.subarray(0, length))
      } catch (error) {
        if (!isAgain(error)) return this.#lose(error)
        return trouble === null || this.#lose(trouble)
      }
    }
  }

  /**
   * An unplugged device says so (ENODEV). One that stays open while its name went to another, or a pipe whose name was
   * taken away, does not. Twice in a row, because udev takes a link away for a moment when it renews it.
   */
  async #watch(): Promise<void> {
    for (let misses = 0; misses < 2;) {
      await this.#context.clock.sleep(WATCH_MS, this.#over.signal)
      const found = await stat(this.#path).catch(() => undefined)
      if (this.#over.signal.aborted) return
      misses = found?.ino === this.#file.ino && found.rdev === this.#file.rdev ? 0 : misses + 1
    }
    this.#lose(new Error('its name is gone, or leads to another device'))
  }

  #lose(cause: unknown): false {
    this.#queue.fail(new TransportError('transport-lost', `${this.#path} went away`, { hint: LOST_HINT, cause }))
    return false
  }
}

async function loadPoller(): Promise<(fd: number) => Poller> {
  try {
    const { Poller } = await import('@serialport/bindings-cpp/dist/poller.js')
    return (fd) => new Poller(fd)
  } catch (cause) {
    const hint = 'reinstall it for this Node and processor: npm rebuild @serialport/bindings-cpp'
    throw new TransportError('transport-unavailable', 'the serialport package does not load', { hint, cause })
  }
}

async function openFile(path: string): Promise<number> {
  const fd = await promisify(openFd)(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(async (cause: unknown) => {
    throw await whyNot(path, cause)
  })
  const file = fstatSync(fd)
  if (file.isCharacterDevice() || file.isFIFO()) return fd
  await promisify(closeFd)(fd)
  throw new TransportError('transport-absent', `${path} is no input device`, { hint: await absentHint() })
}

/** Without it the login screen or console of the machine takes every code too. */
async function keepToOurselves(fd: number, path: string, { log }: OpenContext): Promise<void> {
  const trouble = await grab(fd)
  if (trouble === undefined) return
  if (trouble.code === 'busy') {
    const hint = `another program holds it for itself: sudo fuser -v ${path} shows which`
    throw new TransportError('transport-locked', `${path} is held by another program`, { hint })
  }
  log.warn('The console of this machine may read what is typed on the reader', {
    path,
    reason: trouble.reason,
    hint: 'install perl, or see "Scanners that type" in systemd/README.md',
  })
}

function isAgain(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EINTR')
}

async function whyNot(path: string, cause: unknown): Promise<TransportError> {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (code === 'EACCES' || code === 'EPERM') {
    const hint =
      'install systemd/70-punchd-wedge.rules and plug the reader in again, or put the user of punchd into group input; ' +
      'under systemd also DeviceAllow=char-input r (systemd/README.md)'
    return new TransportError('transport-denied', `no permission to open ${path}`, { hint, cause })
  }
  const message = code === 'ENOENT' ? `${path} is not there` : `${path} does not open as an input device`
  return new TransportError('transport-absent', message, { hint: await absentHint(), cause })
}

async function absentHint(): Promise<string> {
  const names = (await readdir(BY_ID).catch(() => [])).filter((name) => name.endsWith('-event-kbd')).sort()
  if (names.length === 0) return `no reader that types is plugged in (${BY_ID} has no …-event-kbd)`
  return `plugged in are: ${names.map((name) => `${BY_ID}/${name}`).join(', ')}`
}
