/** `sim up`: a broker, simulated readers and the gateway, at somebody's command. */
import { createInterface } from 'node:readline'
import { EXIT } from '../../src/errors.js'
import { print, type VerbContext } from '../../src/verbs/verb.js'
import { Known } from '../scenario/known.js'
import { makePeople } from '../scenario/people.js'
import type { ReaderPlan } from '../scenario/scenario.js'
import { parseSentence } from '../scenario/sentences.js'
import { TWIN_NAMES, type TwinName } from '../scenario/twins.js'
import { SentenceError } from '../scenario/words.js'
import { HELP, sentenceOf } from './commands.js'
import { sum } from './outcomes.js'
import { plan } from './plan.js'
import { play } from './play.js'
import { openScene, throwIfBroken, type Scene, type SceneOptions } from './scene.js'

export interface UpOptions extends SceneOptions {
  readonly readers: readonly TwinName[]
  readonly people: number
  readonly seed: number
  /** Somebody taps somewhere by himself, so often. */
  readonly autoMs?: number | undefined
}

export async function standUp(options: UpOptions, context: VerbContext): Promise<number> {
  const readers = options.readers.map(planFor)
  const people = makePeople([], options.people, options.seed)
  const scene = await openScene(
    { people, readers, timezone: 'UTC', repeatWindow: '5m', seed: options.seed },
    options,
    context,
  )
  const { stage } = scene
  const known = new Known(people, scene.cast.twins)
  const quit = new AbortController()
  const signal = AbortSignal.any([context.stop, quit.signal, stage.broken])
  try {
    if (!options.json) welcome(scene, context)
    scene.begin()
    const obey = (sentence: string): void => void perform(sentence, known, scene, signal)
    const listening = listen(obey, known, () => quit.abort(), options, context, signal)
    await (options.autoMs === undefined ? listening : tapAlong(obey, options.autoMs, scene, signal))
    await windUp(scene)
    if (!options.json) print(context.out, sum('sim', stage.ledger.totals).text)
    return EXIT.ok
  } finally {
    if (options.keep) print(context.err, `kept: ${stage.equipment.folder}`)
    await stage.close()
  }
}

/** Everybody at a reader is served, everything arrives, then the daemon stops. */
async function windUp({ stage, hands }: Scene): Promise<void> {
  stage.disperse()
  await hands.repair()
  stage.hurry()
  await stage.settle()
  throwIfBroken(stage)
  await stage.finish()
}

function planFor(twin: TwinName, index: number): ReaderPlan {
  const id = `gate-${index + 1}`
  return { id, twin, over: 'auto', direction: 'in', place: id, optional: false, faults: {} }
}

/** `2xrdm6300,1xpcsc`; undefined when it is not of that form. */
export function readersOf(written: string): TwinName[] | undefined {
  const twins = written.split(',').map((part) => {
    const [, count = '1', name = ''] = /^(?:(\d{1,2})x)?([a-z0-9]+)$/.exec(part.trim()) ?? []
    const twin = TWIN_NAMES.find((candidate) => candidate === name)
    return twin === undefined ? undefined : Array.from({ length: Number(count) }, () => twin)
  })
  const found = twins.flatMap((list) => list ?? [])
  return twins.includes(undefined) || found.length === 0 ? undefined : found
}

function welcome({ stage, cast }: Scene, { out, err }: VerbContext): void {
  const { broker, readers, folder } = stage.equipment
  const names = cast.people.map(({ name }) => name)
  const shown = names.length > 12 ? `${names.slice(0, 12).join(' ')} … (${names.length})` : names.join(' ')
  print(out, `broker   mqtt://${broker.host}:${broker.port} (${broker.title})`)
  print(out, `listen   mosquitto_sub -h ${broker.host} -p ${broker.port} -v -t 'punchd/v1/#'`)
  print(out, `config   ${stage.gateway.configFile}`)
  print(out, `look     ${stage.gateway.command('tail')}`)
  print(out, `log      ${stage.gateway.logFile}`)
  print(out, `folder   ${folder}`)
  for (const { id, url } of readers) print(out, `reader   ${id.padEnd(8)} ${url}`)
  print(out, `people   ${shown}`)
  print(err, 'Type "help" for what can be done, "quit" to end.')
}

/** Obeys stdin until it ends or somebody quits. */
async function listen(
  obey: (sentence: string) => void,
  known: Known,
  quit: () => void,
  { autoMs }: UpOptions,
  { err }: VerbContext,
  signal: AbortSignal,
): Promise<void> {
  const lines = createInterface({ input: process.stdin })
  signal.addEventListener('abort', () => lines.close(), { once: true })
  if (signal.aborted) lines.close()
  lines.on('line', (line) => {
    const command = line.trim()
    if (command === 'quit' || command === 'exit') return quit()
    if (command === 'help' || command === '?') return HELP.forEach((text) => print(err, text))
    if (command === '') return
    const sentence = sentenceOf(command)
    const trouble = complaint(sentence, known)
    if (trouble === undefined) obey(sentence)
    else print(err, `${trouble}; "help" shows what can be done`)
  })
  await new Promise<void>((resolve) => lines.once('close', () => resolve()))
  process.stdin.unref()
  if (autoMs === undefined) quit()
}

function complaint(sentence: string, known: Known): string | undefined {
  try {
    parseSentence(sentence, known)
    return undefined
  } catch (error) {
    if (!(error instanceof SentenceError)) throw error
    return [error.message, error.suggestion].filter((part) => part !== undefined).join(': ')
  }
}

/** Counts what is typed, so that each crowd is another one. */
let commands = 0

async function perform(
  sentence: string,
  known: Known,
  { stage, hands, cast }: Scene,
  signal: AbortSignal,
): Promise<void> {
  const parsed = parseSentence(sentence, known)
  const step = { ...parsed, atMs: parsed.atMs ?? 0 }
  await play(plan([step], cast, ++commands), stage, hands, 1, signal)
}

async function tapAlong(
  obey: (sentence: string) => void,
  everyMs: number,
  { stage }: Scene,
  signal: AbortSignal,
): Promise<void> {
  const readers = stage.equipment.readers.map(({ id }) => id).join(' or ')
  while (!signal.aborted) {
    obey(`somebody taps ${readers}`)
    await stage.clock.sleep(everyMs, signal)
  }
}
