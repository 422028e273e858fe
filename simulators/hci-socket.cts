/**
 * Stands in for the native package @abandonware/bluetooth-hci-socket, below real noble: its class with a Unix socket to
 * the controller of `hci.ts` behind it. Loaded with `NODE_OPTIONS=--require …/hci-socket.cjs`; the controller is named by
 * HCI_TWIN. HCI_TWIN_REFUSES=EPERM makes binding fail as the kernel would, `write:EPERM` each write.
 */
import events = require('node:events')
import fs = require('node:fs')
import net = require('node:net')
import nodeModule = require('node:module')

const REPLACED = '@abandonware/bluetooth-hci-socket'
const RECONNECT_MS = 100
const EVENT = 0x04
const POWER = 0xff

class HciSocket extends events.EventEmitter {
  readonly #path = process.env['HCI_TWIN'] ?? ''
  #socket: net.Socket | undefined
  #powered = false
  #started = false
  #stream: Buffer = Buffer.alloc(0)

  constructor() {
    super()
    if (process.env['HCI_TWIN_REFUSES'] === 'EAFNOSUPPORT') throw refused('EAFNOSUPPORT', 'socket')
    this.#connect()
  }

  bindRaw(_device?: number): number {
    return this.#bind()
  }

  bindUser(_device?: number): number {
    return this.#bind()
  }

  bindControl(): void {
    this.#bind()
  }

  isDevUp(): boolean {
    return this.#powered
  }

  getDeviceList(): unknown[] {
    return []
  }

  setFilter(_filter: Buffer): void {
    // The kernel's; everything that comes from the controller is an event that noble wants.
  }

  start(): void {
    this.#started = true
  }

  stop(): void {
    this.#started = false
  }

  write(bytes: Buffer): void {
    const [when, code] = (process.env['HCI_TWIN_REFUSES'] ?? '').split(':')
    if (when === 'write' && code !== undefined) this.emit('error', refused(code, 'write'))
    else if (this.#socket?.writable === true) this.#socket.write(bytes)
  }

  #bind(): number {
    const refuses = process.env['HCI_TWIN_REFUSES'] ?? ''
    if (/^E[A-Z]+$/.test(refuses)) throw refused(refuses, 'bind')
    if (!fs.existsSync(this.#path)) throw refused('ENODEV', 'bind')
    return 0
  }

  #connect(): void {
    const socket = net.connect(this.#path)
    this.#socket = socket
    socket.on('data', (bytes) => this.#take(bytes))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#powered = false
      this.#stream = Buffer.alloc(0)
      setTimeout(() => this.#connect(), RECONNECT_MS).unref()
    })
  }

  /** The kernel hands over one whole packet at a time. */
  #take(bytes: Buffer): void {
    this.#stream = Buffer.concat([this.#stream, bytes])
    for (;;) {
      const [type, second] = this.#stream
      const length = lengthOf(this.#stream)
      if (type === undefined || length === undefined) return
      if (this.#stream.length < length) return
      const packet = Buffer.from(this.#stream.subarray(0, length))
      this.#stream = this.#stream.subarray(length)
      if (type === POWER) this.#powered = second === 1
      else if (this.#started) this.emit('data', packet)
    }
  }
}

/** Of the packet that begins here; undefined while that cannot be told. */
function lengthOf([type, second, third, fourth]: Buffer): number | undefined {
  if (type === POWER) return 2
  const body = type === EVENT ? third : fourth
  return body === undefined || second === undefined ? undefined : (type === EVENT ? 3 : 4) + body
}

function refused(code: string, call: string): Error {
  return Object.assign(new Error(`${code}, refused by the twin, ${call}`), { code, syscall: call })
}

/** The loader of CommonJS modules is no public interface, and has been what it is for ten years. */
const loader = nodeModule as unknown as { _load(request: string, ...rest: unknown[]): unknown }
const load = loader._load.bind(loader)
loader._load = (request, ...rest) => (request === REPLACED ? HciSocket : load(request, ...rest))
