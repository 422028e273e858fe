/**
 * A private pcscd with a virtual reader of two slots, for tests and demos: its own mount namespace gives it its own
 * /run, so it neither needs nor disturbs the machine's pcscd.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../free-port.js'
import { readersWithCards } from './pcscd-client.js'

const PCSCD = ['/usr/sbin/pcscd', '/usr/bin/pcscd', '/sbin/pcscd']
const LIBRARIES = '/usr/lib/pcsc/drivers/serial'
const UP_MS = 5_000
const STOP_MS = 3_000

/** Why a private pcscd cannot be had here, in a sentence; undefined when it can. */
export function whyNoPcscd(): string | undefined {
  if (!PCSCD.some((path) => existsSync(path))) return 'pcscd is not installed (sudo apt install pcscd)'
  if (!vpcdLibrary()) return 'the virtual reader is not installed (sudo apt install vsmartcard-vpcd)'
  const tried = spawnSync('unshare', [...namespace(), 'mount', '--bind', tmpdir(), '/run'], { stdio: 'ignore' })
  return tried.status === 0 ? undefined : 'no right to make a mount namespace (run as root)'
}

export class PrivatePcscd {
  /** For PCSCLITE_CSOCK_NAME. */
  readonly socketName: string
  /** TCP ports of the two slots, for `VpcdSlot`. */
  readonly ports: readonly [number, number]
  readonly #folder: string
  #process: ChildProcess | undefined

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.ports = [port, port + 1]
    this.socketName = join(folder, 'run/pcscd/pcscd.comm')
  }

  /** Starts one; throws when it does not come up. Ask `whyNoPcscd` first. */
  static async start(): Promise<PrivatePcscd> {
    const folder = mkdtempSync(join(tmpdir(), 'punchd-pcscd-'))
    const port = await freePort(2)
    mkdirSync(join(folder, 'run/pcscd'), { recursive: true })
    mkdirSync(join(folder, 'conf'))
    const id = `0x${port.toString(16).toUpperCase()}`
    const lines = [
      'FRIENDLYNAME "Virtual PCD"',
      `DEVICENAME /dev/null:${id}`,
      `LIBPATH ${vpcdLibrary() ?? ''}`,
      `CHANNELID ${id}`,
    ]
    writeFileSync(join(folder, 'conf/vpcd'), `${lines.join('\n')}\n`)
    const pcscd = new PrivatePcscd(folder, port)
    await pcscd.restart()
    return pcscd
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts it again, after an orderly end when it still runs. */
  async restart(): Promise<void> {
    await this.#end('SIGTERM')
    for (const file of readdirSync(join(this.#folder, 'run/pcscd'))) rmSync(join(this.#folder, 'run/pcscd', file))
    const script = 'mount --bind "$0/run" /run && exec setpriv --pdeathsig KILL pcscd --foreground -c "$0/conf"'
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` }
    this.#process = spawn('unshare', [...namespace(), 'sh', '-c', script, this.#folder], {
      stdio: 'ignore',
      env,
      // A Ctrl-C in the terminal is for us to deal with; pdeathsig ends it with us.
      detached: true,
    })
    const deadline = performance.now() + UP_MS
    while (!(await accepts(this.socketName))) {
      if (performance.now() > deadline) throw new Error('pcscd did not come up')
      await sleep(10)
    }
  }

  /** Resolves to the names of the readers on which it sees a card. */
  readersWithCards(): Promise<string[]> {
    return readersWithCards(this.socketName)
  }

  /** Ends it without warning, as a crash does. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends it and removes everything it had. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await ended
    clearTimeout(force)
  }
}

/** Mounts of one's own; those who are not root become root in a namespace of their own first. */
function namespace(): string[] {
  return process.geteuid?.() === 0 ? ['-m'] : ['-r', '-m']
}

function vpcdLibrary(): string | undefined {
  if (!existsSync(LIBRARIES)) return undefined
  const name = readdirSync(LIBRARIES).find((file) => file.startsWith('libifdvpcd.so'))
  return name === undefined ? undefined : join(LIBRARIES, name)
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (up: boolean): void => {
      socket.destroy()
      resolve(up)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}
