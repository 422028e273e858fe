/** A scenario on its stage, with somebody who tells what happens: what `sim run`, `sim up` and the demo share. */
import { DaemonError, EXIT, VerbError } from '../../src/errors.js'
import type { VerbContext } from '../../src/verbs/verb.js'
import { print } from '../../src/verbs/verb.js'
import type { Scenario } from '../scenario/scenario.js'
import type { BrokerName } from './broker-name.js'
import { Hands } from './hands.js'
import type { Cast } from './plan.js'
import { printer } from './print.js'
import { Stage } from './stage.js'

export interface SceneOptions {
  readonly json?: boolean | undefined
  readonly keep?: boolean | undefined
  readonly broker?: BrokerName | undefined
  readonly port?: number | undefined
}

export interface Scene {
  readonly stage: Stage
  readonly hands: Hands
  readonly cast: Cast
  /** Times of the lines count from here. */
  begin(): void
}

type Actors = Pick<Scenario, 'people' | 'readers' | 'timezone' | 'repeatWindow' | 'seed'>

/** Starts everything. What cannot be had here is said on stderr. */
export async function openScene(actors: Actors, options: SceneOptions, context: VerbContext): Promise<Scene> {
  const { people, readers, timezone, repeatWindow, seed } = actors
  let startMs = performance.now()
  let protocol = 'MQTT'
  const show = printer({
    json: options.json === true,
    readers: readers.map(({ id }) => id),
    people: people.slice(0, 200).map(({ name }) => name),
    protocol: () => protocol,
    elapsed: () => performance.now() - startMs,
    print: (line) => print(context.out, line),
  })
  const { keep, broker, port } = options
  const wanted = { readers, timezone, repeatWindow, seed, show, keep, broker, port }
  const stage = await Stage.open(wanted, context.stop)
  protocol = stage.equipment.broker.protocol === 5 ? 'MQTT 5' : 'MQTT 3.1.1'
  for (const { id, why } of stage.equipment.left) print(context.err, `${id} is left out: ${why}`)
  const twins = new Map(readers.map(({ id, twin }) => [id, twin]))
  const left = new Set(stage.equipment.left.map(({ id }) => id))
  // Who would have gone to a reader that was left out goes to another one, where the step names several.
  const cast = { people, twins: new Map([...twins].filter(([id]) => !left.has(id))) }
  return { stage, hands: new Hands(stage, people, twins), cast, begin: () => (startMs = performance.now()) }
}

/** What goes wrong on a stage is a failed check, not a fault of the command. */
export function throwIfBroken({ broken }: Stage): void {
  if (!broken.aborted) return
  const reason: unknown = broken.reason
  if (!(reason instanceof DaemonError)) throw reason
  throw new VerbError(EXIT.failed, reason.code, reason.message)
}
