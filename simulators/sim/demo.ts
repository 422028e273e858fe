/** `demo`: plays the morning at the door, as often as there is time, and says truthfully what came of it. */
import { fileURLToPath } from 'node:url'
import { DaemonError, EXIT } from '../../src/errors.js'
import { print, printable, type VerbContext } from '../../src/verbs/verb.js'
import { loadScenario } from '../scenario/load.js'
import type { Scenario } from '../scenario/scenario.js'
import type { BrokerName } from './broker-name.js'
import { sum } from './outcomes.js'
import { lengthOf, plan } from './plan.js'
import { play } from './play.js'
import { redeliveries } from './run.js'
import { openScene, throwIfBroken, type Scene } from './scene.js'

/** dist/simulators/sim/ → simulators/scenarios/: it is no code, so it is not compiled. */
const MORNING = fileURLToPath(new URL('../../../simulators/scenarios/morning.yaml', import.meta.url))
/** To serve whoever stands at a door, to receive the rest, and to stop everything. */
const ENDING_MS = 1_000
/** A machine that took long to start shall still show something. */
const SHORTEST_MS = 3_000
/** Faster than this, people would only stand in queues. */
const FASTEST = 1.6

export interface DemoOptions {
  readonly json?: boolean | undefined
  readonly broker?: BrokerName | undefined
  /** Ends by itself after this long. */
  readonly forMs?: number | undefined
}

/** The exit code: 0 when nothing was lost and nothing came twice. */
export async function runDemo(options: DemoOptions, context: VerbContext): Promise<number> {
  const startedMs = performance.now()
  const { scenario, problems } = loadScenario(MORNING)
  if (!scenario) throw new DaemonError('input-invalid', await printable({ problems }))
  print(context.err, 'Starting a broker, the readers, the gateway and a subscriber …')
  const scene = await openScene(scenario, options, context)
  const { stage, hands } = scene
  try {
    introduce(scene, options, context)
    scene.begin()
    const endMs = options.forMs === undefined ? Infinity : startedMs + options.forMs - ENDING_MS
    await playUntil(scenario, scene, endMs, context.stop)
    await hands.repair()
    stage.hurry()
    await stage.settle()
    throwIfBroken(stage)
    await stage.finish()
  } finally {
    await stage.close()
  }
  return conclude(scene, options, context)
}

/** Plays rounds until `endMs` (of performance.now()) or the stop; without an end for ever. */
async function playUntil(
  scenario: Scenario,
  { stage, hands, cast }: Scene,
  endMs: number,
  stop: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const leftMs = Math.max(SHORTEST_MS, endMs - performance.now())
  const timer = Number.isFinite(endMs) ? setTimeout(() => over.abort(), leftMs) : undefined
  const signal = AbortSignal.any([stop, stage.broken, over.signal])
  const lengthMs = lengthOf(plan(scenario.steps, cast, scenario.seed)) + 500
  const rounds = Number.isFinite(endMs) ? Math.max(1, Math.round(leftMs / lengthMs)) : Infinity
  const speed = Number.isFinite(endMs) ? Math.min(FASTEST, (rounds * lengthMs) / leftMs) : 1
  for (let round = 0; round < rounds && !signal.aborted; round++) {
    await play(plan(scenario.steps, cast, scenario.seed + round), stage, hands, speed, signal)
    await hands.done()
    if (!signal.aborted) await stage.settle()
  }
  clearTimeout(timer)
  stage.disperse()
}

function introduce({ stage }: Scene, { json, forMs }: DemoOptions, { out, err }: VerbContext): void {
  const { broker, readers } = stage.equipment
  if (json) return
  const list = readers.map(({ id, url }) => `${id} (${url})`).join(', ')
  print(out, `Broker: ${broker.title}, port ${broker.port}. Readers: ${list}.`)
  print(out, `Listen with: mosquitto_sub -h ${broker.host} -p ${broker.port} -t 'punchd/v1/+/+/punch/#'`)
  if (forMs === undefined) print(err, 'Ctrl-C ends it.')
  print(out, '')
}

function conclude({ stage }: Scene, { json }: DemoOptions, { out }: VerbContext): number {
  const { totals } = stage.ledger
  const { text, ok } = sum('demo', totals)
  if (json) print(out, JSON.stringify({ event: 'result', ok, totals }))
  else {
    print(out, '')
    if (totals.redelivered > 0) print(out, redeliveries(totals.redelivered))
    print(out, text)
  }
  return ok ? EXIT.ok : EXIT.failed
}
