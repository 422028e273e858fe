/** The executable as its users start it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { startChild, type Child, type Ended } from './child.js'
import { root } from './root.js'
import { until } from './until.js'

const MAIN = join(root, 'dist/src/main.js')
/** Variables that would change the configuration, or the log. */
const CLEAN = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(PUNCHD_|JOURNAL_STREAM|NOTIFY_|WATCHDOG_|NODE_OPTIONS)/.test(name),
  ),
)

export interface ConfigParts {
  readonly url?: string
  readonly mqtt?: readonly string[]
  /** Lines of one reader each, without its dash. */
  readonly readers?: readonly (readonly string[])[]
  /** Further lines at the top level. */
  readonly lines?: readonly string[]
}

/** Writes a configuration whose data live in the same folder; returns its path. */
export function writeConfig(folder: string, parts: ConfigParts = {}): string {
  const { url = 'mqtt://127.0.0.1:1', mqtt = [], readers = [], lines = [] } = parts
  const text = [
    'version: 1',
    'site: { id: hq, timezone: Europe/Berlin }',
    'gateway: { id: gw-01 }',
    `data: { path: ${folder} }`,
    'mqtt:',
    `  url: ${url}`,
    ...mqtt.map((line) => `  ${line}`),
    'readers:',
    ...readers.flatMap(([first = '', ...rest]) => [`  - ${first}`, ...rest.map((line) => `    ${line}`)]),
    ...(readers.length === 0 ? ['  []'] : []),
    ...lines,
  ]
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `${text.join('\n')}\n`)
  return file
}

export function startVerb(args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  return startChild(process.execPath, [MAIN, ...args], { env: { ...CLEAN, ...env } })
}

/** Runs a verb to its end. */
export function verb(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return startVerb(args, env).ended
}

/** Starts the daemon, perhaps within another program; resolves when it answers. */
export async function startDaemon(
  config: string,
  env: NodeJS.ProcessEnv = {},
  wrapper: readonly string[] = [],
): Promise<Child> {
  const command = [...wrapper, process.execPath, MAIN, 'run', '--config', config]
  const child = startChild(command[0] ?? process.execPath, command.slice(1), { env: { ...CLEAN, ...env } })
  const alive = (): boolean => {
    if (child.process.exitCode !== null) throw new Error(`the daemon ended: ${child.output.stderr}`)
    return true
  }
  const socket = join(folderOf(config), 'control.sock')
  await until(async () => alive() && (await isListening(socket)), 60_000, 'the daemon')
  await until(async () => alive() && (await verb(['readers', '--config', config])).code === 0, 60_000, 'its answer')
  return child
}

/** `data.path` of a configuration. */
function folderOf(config: string): string {
  const [, path] = /^data: \{ path: ([^ }]+) \}$/m.exec(readFileSync(config, 'utf8')) ?? []
  if (path === undefined) throw new Error(`${config} does not say where the data are`)
  return path
}

/** To ask in vain with a verb would cost more than the daemon needs to start. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (up: boolean): void => {
      socket.destroy()
      resolve(up)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}

/** The log lines of a daemon with this event. */
export function logged({ output }: Child, event: string): Record<string, unknown>[] {
  const lines = output.stderr.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['event'] === event)
}
