/**
 * The twin of a Bluetooth LE controller: answers a host's commands and hands over what is on the air, H4 over a socket. In
 * front of it runs real noble, whose native socket `hci-socket.cts` replaces. [BLE §3]
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { OnAir } from './hci-air.js'
import { commandComplete, commandsOf, extendedReports, legacyReports, OPCODE, type Command } from './hci-wire.js'

/** Bytes that wait for a host; more means that it does not read, and a radio does not wait. */
const MAX_WAITING_BYTES = 256 * 1024
/** Not of the standard: tells the socket's stand-in whether the adapter is switched on, which else the kernel knows. */
const POWER = 0xff

export interface ControllerOptions {
  /** Path of a Unix socket. */
  readonly path: string
  /** Default 10, Bluetooth 5.1. Before 6 there was no LE that noble would take. */
  readonly hciVersion?: number
}

export class Controller {
  readonly path: string
  /** Opcodes of everything the hosts asked for. */
  readonly commands: number[] = []
  readonly #hciVersion: number
  readonly #hosts = new Set<Socket>()
  #server: Server | undefined
  #scanning = false
  #powered = true
  /** Says yes to everything and does nothing. */
  dead = false

  private constructor({ path, hciVersion = 10 }: ControllerOptions) {
    this.path = path
    this.#hciVersion = hciVersion
  }

  static async start(options: ControllerOptions): Promise<Controller> {
    const controller = new Controller(options)
    await controller.plug()
    return controller
  }

  /** What the environment of a host must hold, that it finds this controller instead of the kernel's. */
  get env(): Record<string, string> {
    const preload = fileURLToPath(new URL('./hci-socket.cjs', import.meta.url))
    return { HCI_TWIN: this.path, NODE_OPTIONS: `--require ${preload}` }
  }

  get scanning(): boolean {
    return this.#scanning && this.#powered && this.#hosts.size > 0
  }

  get hosts(): number {
    return this.#hosts.size
  }

  /** Puts these on the air, in one event; true when a scanning host heard them. */
  air(...reports: OnAir[]): boolean {
    return this.scanning && this.event(legacyReports(reports))
  }

  airExtended(reports: readonly OnAir[], legacyPdu = true): boolean {
    return this.scanning && this.event(extendedReports(reports, legacyPdu))
  }

  /** An event as it is, however wrong. */
  event(bytes: Uint8Array): boolean {
    let heard = false
    for (const host of this.#hosts) {
      if (host.writableLength > MAX_WAITING_BYTES) continue
      host.write(bytes)
      heard = true
    }
    return heard
  }

  /** Scanning ends, and nobody is told. [BLE §4] */
  fallSilent(): void {
    this.#scanning = false
  }

  /** `hciconfig hci0 down` and `up`. */
  power(on: boolean): void {
    this.#powered = on
    if (!on) this.#scanning = false
    this.event(Buffer.of(POWER, on ? 1 : 0))
  }

  async plug(): Promise<void> {
    if (this.#server) return
    const server = createServer((host) => this.#welcome(host))
    server.listen(this.path)
    await once(server, 'listening')
    this.#server = server
  }

  /** Pulls the adapter. */
  async unplug(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    this.#scanning = false
    const closed = once(server, 'close')
    server.close()
    for (const host of this.#hosts) host.destroy()
    await closed
  }

  #welcome(host: Socket): void {
    this.#hosts.add(host)
    host.write(Buffer.of(POWER, this.#powered ? 1 : 0))
    let stream: Buffer = Buffer.alloc(0)
    host.on('data', (bytes) => {
      const { commands, rest } = commandsOf(Buffer.concat([stream, bytes]))
      stream = rest
      for (const command of commands) this.#obey(command)
    })
    host.on('error', () => host.destroy())
    host.on('close', () => this.#hosts.delete(host))
  }

  #obey({ opcode, params }: Command): void {
    this.commands.push(opcode)
    if (!this.#powered) return
    if (!this.dead && (opcode === OPCODE.setScanEnable || opcode === OPCODE.setExtScanEnable)) this.#scanning = params[0] === 1 // prettier-ignore
    if (opcode === OPCODE.reset) this.#scanning = false
    this.event(commandComplete(opcode, this.#returned(opcode)))
  }

  /** Status 00 and what else the command returns. */
  #returned(opcode: number): Buffer {
    switch (opcode) {
      case OPCODE.readLocalVersion:
        return Buffer.of(0, this.#hciVersion, 0, 0, this.#hciVersion, 0x5d, 0, 0, 0)
      case OPCODE.readLeBufferSize:
        return Buffer.from('00fb0008', 'hex')
      case OPCODE.readBdAddr:
        return Buffer.from('00554433221100', 'hex')
      case OPCODE.readLeHostSupported:
        return Buffer.from('000100', 'hex')
      default:
        return Buffer.of(0)
    }
  }
}
