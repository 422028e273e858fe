/** `sim run`: plays a scenario file and compares what happened with what it expects. */
import { EXIT } from '../../src/errors.js'
import { print, printable, type VerbContext } from '../../src/verbs/verb.js'
import { loadScenario } from '../scenario/load.js'
import type { Scenario } from '../scenario/scenario.js'
import { outcomes, sum, type Outcome } from './outcomes.js'
import { plan } from './plan.js'
import { play } from './play.js'
import { openScene, throwIfBroken, type Scene, type SceneOptions } from './scene.js'

export interface RunOptions extends SceneOptions {
  readonly speed?: number | undefined
  readonly seed?: number | undefined
}

/** The exit code. */
export async function runScenario(file: string, options: RunOptions, context: VerbContext): Promise<number> {
  const { scenario, problems } = loadScenario(file, options.seed)
  if (!scenario) {
    if (options.json) print(context.out, JSON.stringify({ event: 'result', ok: false, problems }))
    else print(context.err, await printable({ problems }))
    return EXIT.data
  }
  const scene = await openScene(scenario, options, context)
  try {
    const found = await playThrough(scenario, scene, options.speed ?? scenario.speed, context.stop)
    tell(scenario, scene, found, options, context)
    return found.every(({ ok }) => ok) && !context.stop.aborted ? EXIT.ok : EXIT.failed
  } finally {
    if (options.keep) print(context.err, `kept: ${scene.stage.equipment.folder}`)
    await scene.stage.close()
  }
}

async function playThrough(scenario: Scenario, scene: Scene, speed: number, stop: AbortSignal): Promise<Outcome[]> {
  const { stage, hands, cast } = scene
  scene.begin()
  await play(plan(scenario.steps, cast, scenario.seed), stage, hands, speed, AbortSignal.any([stop, stage.broken]))
  await hands.done()
  stage.hurry()
  await stage.settle()
  throwIfBroken(stage)
  // A reader that was just put back needs a moment.
  const deadline = stage.clock.uptime() + 5_000
  while (!stage.readersUp && wantsReaders(scenario) && stage.clock.uptime() < deadline) await stage.clock.sleep(20)
  const { readersUp } = stage
  const { backlog } = await stage.finish()
  return outcomes(scenario.expect, { ledger: stage.ledger, backlog, readersUp })
}

function wantsReaders({ expect }: Scenario): boolean {
  return expect.some(({ name }) => name === 'all readers are up')
}

function tell(
  { name }: Scenario,
  { stage }: Scene,
  found: readonly Outcome[],
  { json }: SceneOptions,
  { out, err, stop }: VerbContext,
): void {
  const { totals } = stage.ledger
  const ok = found.every((outcome) => outcome.ok) && !stop.aborted
  if (json) return print(out, JSON.stringify({ event: 'result', scenario: name, ok, totals, expectations: found }))
  const width = Math.max(0, ...found.map(({ expectation }) => expectation.length))
  for (const outcome of found)
    print(out, `${outcome.ok ? 'ok  ' : 'FAIL'}  ${outcome.expectation.padEnd(width)}  ${outcome.found}`)
  if (totals.redelivered > 0) print(out, redeliveries(totals.redelivered))
  if (stop.aborted) print(err, 'interrupted')
  print(out, sum(name, totals).text)
}

export function redeliveries(count: number): string {
  return `${count} ${count === 1 ? 'delivery was' : 'deliveries were'} repeated (QoS 1), told apart by id`
}
