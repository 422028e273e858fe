/** `punchd sim` and `punchd demo`: simulated readers. Everything behind a command is read in when it is given. */
import type { Command } from 'commander'
import { EXIT, VerbError } from '../src/errors.js'
import { durationMs } from '../src/config/options.js'
import { common, print, type CommonOptions, type Verb, type VerbContext } from '../src/verbs/verb.js'
import { BROKERS, type BrokerName } from './sim/broker-name.js'

interface Options extends CommonOptions {
  readonly broker?: string
  readonly port?: string
  readonly keep?: boolean
}

interface RunOptions extends Options {
  readonly speed?: string
  readonly seed?: string
}

interface UpOptions extends Options {
  readonly readers: string
  readonly people: string
  readonly seed: string
  readonly auto?: string | true
}

const BROKER_OPTION = ['--broker <name>', 'mosquitto or aedes; default: mosquitto where it is installed'] as const

export const sim: Verb = (program, context) => {
  const command = program.command('sim').description('simulated readers: play a scenario, or stand by for commands')
  addRun(command, context)
  addUp(command, context)
  addFinger(command, context)
  common(command.command('schema').description('print the JSON Schema of scenario files')).action(async () => {
    const { jsonSchema } = await import('./scenario/schema.js')
    print(context.out, JSON.stringify(jsonSchema(), undefined, 2))
  })
}

function addRun(command: Command, context: VerbContext): void {
  common(
    command
      .command('run')
      .description('play a scenario; exit 0 when all it expects came true, 1 when not, 65 when it is wrong'),
  )
    .argument('<scenario>', 'a YAML file, see simulators/README.md')
    .option('--speed <n>', 'play so many times as fast')
    .option('--seed <n>', 'another seed for crowds and faults')
    .option('--keep', 'keep the folder with journal, configuration and logs')
    .option(...BROKER_OPTION)
    .action(async (file: string, options: RunOptions) => {
      const { runScenario } = await import('./sim/run.js')
      const speed = numberOf('--speed', options.speed, 0.1, 100)
      const seed = wholeOf('--seed', options.seed, 0, 0xffff_ffff)
      process.exitCode = await runScenario(file, { ...shared(options), speed, seed }, context)
    })
}

function addUp(command: Command, context: VerbContext): void {
  common(
    command.command('up').description('start a broker, simulated readers and the gateway, and obey commands on stdin'),
  )
    .option('--readers <list>', 'which readers, as in 2xrdm6300,1xpcsc', '1xrdm6300')
    .option('--people <n>', 'how many people have cards', '12')
    .option('--port <n>', 'port of the broker; default: a free one')
    .option('--auto [every]', 'somebody taps by himself, every 2s or as often as given')
    .option('--seed <n>', 'another seed for names and cards', '1')
    .option('--keep', 'keep the folder with journal, configuration and logs')
    .option(...BROKER_OPTION)
    .action(async (options: UpOptions) => {
      const { readersOf, standUp } = await import('./sim/up.js')
      const readers = readersOf(options.readers)
      if (!readers) throw usage(`--readers "${options.readers}" is not of the form 2xrdm6300,1xpcsc`)
      const people = wholeOf('--people', options.people, 1, 10_000) ?? 12
      const seed = wholeOf('--seed', options.seed, 0, 0xffff_ffff) ?? 1
      const autoMs =
        options.auto === undefined ? undefined : duration('--auto', options.auto === true ? '2s' : options.auto)
      process.exitCode = await standUp({ ...shared(options), readers, people, seed, autoMs }, context)
    })
}

function addFinger(command: Command, context: VerbContext): void {
  common(command.command('finger').description('one fingerprint module to enrol at; type names to place fingers'))
    .option('--port <n>', 'where it listens, as a serial-to-Ethernet converter would; default: a free one')
    .action(async (options: { readonly port?: string }) => {
      const { playFinger } = await import('./sim/finger.js')
      await playFinger(wholeOf('--port', options.port, 1, 65_535), context)
    })
}

/** Not in the list of verbs: `npm run demo` is its name. */
export const demo: Verb = (program, context) => {
  common(program.command('demo', { hidden: true }).description('play a morning at the door'))
    .option('--for <duration>', 'end by itself after this long, as in 20s; default: at Ctrl-C')
    .option(...BROKER_OPTION)
    .action(async (options: Options & { readonly for?: string }) => {
      const forMs = options.for === undefined ? undefined : duration('--for', options.for)
      const { runDemo } = await import('./sim/demo.js')
      process.exitCode = await runDemo({ ...shared(options), forMs }, context)
    })
}

function shared({ json, keep, broker, port }: Options): {
  json?: boolean
  keep?: boolean
  broker?: BrokerName
  port?: number
} {
  const name = BROKERS.find((candidate) => candidate === broker)
  if (broker !== undefined && name === undefined) throw usage(`--broker "${broker}" must be ${BROKERS.join(' or ')}`)
  const number = wholeOf('--port', port, 1, 65_535)
  return {
    ...(json === undefined ? {} : { json }),
    ...(keep === undefined ? {} : { keep }),
    ...(name === undefined ? {} : { broker: name }),
    ...(number === undefined ? {} : { port: number }),
  }
}

function numberOf(option: string, written: string | undefined, least: number, most: number): number | undefined {
  if (written === undefined) return undefined
  const number = Number(written)
  if (written.trim() !== '' && number >= least && number <= most) return number
  throw usage(`${option} "${written}" is no number from ${least} to ${most}`)
}

function wholeOf(option: string, written: string | undefined, least: number, most: number): number | undefined {
  const number = numberOf(option, written, least, most)
  if (number !== undefined && !Number.isInteger(number)) throw usage(`${option} "${written}" is no whole number`)
  return number
}

function duration(option: string, written: string): number {
  const ms = durationMs(written)
  if (ms !== undefined && ms > 0) return ms
  throw usage(`${option} "${written}" is no duration like 20s or 5m`)
}

function usage(message: string): VerbError {
  return new VerbError(EXIT.usage, 'usage', message)
}
