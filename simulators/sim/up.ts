/** `sim up`: a broker, simulated readers and the gateway, at somebody's command. */
import { EXIT } from '../../src/errors.js'
import { print, type VerbContext } from '../../src/verbs/verb.js'
import { makePeople } from '../scenario/people.js'
import type { ReaderPlan } from '../scenario/scenario.js'
import { TWIN_NAMES, type TwinName } from '../scenario/twins.js'
import { sum } from './outcomes.js'
import { Prompt } from './prompt.js'
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
  const actors = { people, readers, timezone: 'UTC', repeatWindow: '5m', seed: options.seed }
  const scene = await openScene(actors, options, context)
  const { stage } = scene
  try {
    if (!options.json) welcome(scene, context)
    scene.begin()
    await standBy(scene, options, context)
    if (!options.json) print(context.out, sum('sim', stage.ledger.totals).text)
    return EXIT.ok
  } finally {
    if (options.keep) print(context.err, `kept: ${stage.equipment.folder}`)
    await stage.close()
  }
}

async function standBy(scene: Scene, { autoMs }: UpOptions, { err, stop }: VerbContext): Promise<void> {
  const { stage, hands } = scene
  const quit = new AbortController()
  const signal = AbortSignal.any([stop, quit.signal, stage.broken])
  const prompt = new Prompt(scene, signal)
  const listening = prompt.listen(process.stdin, err, () => quit.abort())
  await (autoMs === undefined ? listening : tapAlong(prompt, autoMs, scene, signal))
  // A script that has ended wants done what it said.
  await prompt.done()
  if (signal.aborted) stage.disperse()
  else await stage.settle()
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

async function tapAlong(prompt: Prompt, everyMs: number, { stage }: Scene, signal: AbortSignal): Promise<void> {
  const readers = stage.equipment.readers.map(({ id }) => id).join(' or ')
  while (!signal.aborted) {
    prompt.perform(`somebody taps ${readers}`)
    await stage.clock.sleep(everyMs, signal)
  }
}
