/** The daemon of a stage: the real program in a process of its own, with a generated configuration. */
import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { endProcess, lastLines, spawnOwned } from './process.js'

/** dist/src/main.js, as seen from dist/simulators/sim/. */
const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))
/** The contract says ten seconds. */
const STOP_MS = 12_000
export const SITE = 'sim'
export const GATEWAY = 'gw-sim'
export const TOPIC_PREFIX = 'punchd/v1'

export interface GatewayReader {
  readonly id: string
  readonly driver: string
  readonly transport: string
  readonly direction: string
  readonly place: string
  readonly options: Readonly<Record<string, unknown>>
}

export interface GatewaySettings {
  readonly folder: string
  readonly broker: { readonly host: string; readonly port: number; readonly protocol: 4 | 5 }
  readonly timezone: string
  readonly repeatWindow: string
  readonly readers: readonly GatewayReader[]
  readonly env: NodeJS.ProcessEnv
  /** It ended although nobody asked it to. */
  readonly onDeath: (why: string) => void
}

export class Gateway {
  readonly configFile: string
  readonly dataFolder: string
  readonly logFile: string
  readonly #settings: GatewaySettings
  #process: ChildProcess | undefined

  constructor(settings: GatewaySettings) {
    this.#settings = settings
    this.configFile = join(settings.folder, 'config.yaml')
    this.dataFolder = join(settings.folder, 'data')
    this.logFile = join(settings.folder, 'punchd.log')
    writeFileSync(this.configFile, `# Written by punchd sim.\n${stringify(configOf(settings, this.dataFolder))}`)
  }

  /** The command that a person types to run a verb against this gateway. */
  command(verb: string): string {
    return `node ${MAIN} ${verb} --config ${this.configFile}`
  }

  get isRunning(): boolean {
    return this.#process !== undefined
  }

  start(): void {
    if (this.#process) return
    const env = withoutOverrides({ ...process.env, ...this.#settings.env })
    const child = spawnOwned(process.execPath, [MAIN, 'run', '--config', this.configFile], { log: this.logFile, env })
    this.#process = child
    const died = (what: string): void => {
      if (this.#process !== child) return
      this.#process = undefined
      this.#settings.onDeath(`the daemon ended by itself (${what}):\n${lastLines(this.logFile, 5)}`)
    }
    child.once('error', (error) => died(error.message))
    child.once('exit', (code, signal) => died(signal ?? `exit code ${code ?? 0}`))
  }

  /** SIGKILL, as the kernel does when memory is short. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** SIGTERM: the last records leave, the watermark is written. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child) await endProcess(child, signal, STOP_MS)
  }
}

function configOf({ broker, timezone, repeatWindow, readers }: GatewaySettings, data: string): unknown {
  return {
    version: 1,
    site: { id: SITE, name: 'A simulated site', timezone },
    gateway: { id: GATEWAY },
    data: { path: data },
    mqtt: { url: `mqtt://${broker.host}:${broker.port}`, protocol: broker.protocol, topicPrefix: TOPIC_PREFIX },
    readers: readers.map((reader) => ({ ...reader, sim: true })),
    policy: { repeatWindow },
    log: { level: 'info' },
  }
}

/** What this user set for his own gateway is not meant for this one, nor is the watchdog of a service around us. */
function withoutOverrides(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(PUNCHD_|NOTIFY_SOCKET$|WATCHDOG_)/.test(name)))
}
