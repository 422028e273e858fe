/** What happens in one seed, from the first start to the last look. */
import { existsSync } from 'node:fs'
import { journalFile } from '../../src/config/paths.js'
import type { StatusLine } from '../../src/control.js'
import { messageOf } from '../../src/errors.js'
import { isUnmade } from '../../src/journal/database.js'
import { JournalReader } from '../../src/journal/query.js'
import { between } from '../../simulators/random.js'
import type { Moment } from '../../src/model.js'
import { brokenPromises } from '../faults/oracle.js'
import { SITE } from '../fixture.js'
import { wrongIn } from './oracle.js'
import { importPeople, NEWCOMER } from './people.js'
import type { CutAt } from './disk.js'
import type { Site } from './site.js'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const YEAR = 365 * 24 * HOUR
/** When all is well again, everything must be where it belongs within this time. */
const ARRIVED_MS = 2 * HOUR
/** What only a person can send again: somebody looks this often. */
const OPERATOR_EVERY_MS = 3 * MINUTE
const CALM_MS = 15 * SECOND
const LIGHT_MS = 10 * SECOND
const STOP_MS = 20 * SECOND

/** Plays a seed; returns everything that is wrong. */
export async function play(site: Site): Promise<string[]> {
  const { scheduler, gateway, plan, troubles, visits } = site
  await firstStart(site)
  for (let stretch = 0; stretch < plan.stretches; stretch++) {
    troubles.begin()
    visits.begin()
    await scheduler.run(scheduler.now + plan.stretchMs)
    visits.over = troubles.paused = true
    await interlude(site)
  }
  const late = plan.mode === 'liveness' ? await healed(site) : []
  const settledAt = plan.mode === 'liveness' ? site.machine.clock({ alive: true }).now() : undefined
  gateway.over = true
  await last(site)
  return [...gateway.wrong, ...late, ...site.consumer.wrong, ...disordered(site), ...wrongStored(site, settledAt)]
}

/** What was set aside, or refused for a while, may come behind later records; nothing else may. */
function disordered({ broker, parked }: Site): string[] {
  return broker.disordered.filter((seq) => !parked.has(seq)).map((seq) => `record ${seq} was sent behind a later one`)
}

/** What is stored, against what was shown, and what is at the consumer. */
function wrongStored(
  { stored, truth, claims, shown, disk, plan, consumer }: Site,
  settledAt: Moment | undefined,
): string[] {
  if (!existsSync(disk.left) || isUnmade(disk.left)) return []
  const subscriber = consumer.received
  const ended = plan.mode === 'liveness'
  try {
    return [
      ...wrongIn(disk.left, { rules: plan, truth, claims, shown, settledAt }),
      ...brokenPromises({ stored, subscriber, integrity: stored.verdict() }, { disorder: false, ended }),
      ...[...new Set(stored.missing)].map((card) => `shown green and not stored: ${card}`),
    ]
  } catch (error) {
    return [`the journal cannot be read: ${messageOf(error)}`]
  }
}

/** Some boxes lose their power, or their process, while the journal is being made. */
async function firstStart({ scheduler, random, gateway, plan, disk, data }: Site): Promise<void> {
  gateway.start()
  const at = (['before', 'torn', 'after'] satisfies CutAt[])[between(random, 0, 11)]
  if (at) gateway.arm(at, between(random, 0, 1) === 0, random())
  await scheduler.run(scheduler.now + YEAR, () => gateway.life?.actions !== undefined)
  if (plan.hasPeople) disk.calmly(() => importPeople(journalFile({ data: { path: data } })))
}

/** Between two stretches of service: a night, a holiday, or nothing. */
async function interlude({ scheduler, random, gateway }: Site): Promise<void> {
  const kind = between(random, 0, 5)
  if (kind === 0 && gateway.running) {
    const ms = between(random, MINUTE, 14 * HOUR)
    gateway.suspend(ms)
    await scheduler.run(scheduler.now + ms)
  } else if (kind <= 2) gateway.cutPower()
  else if (kind === 3) await scheduler.run(scheduler.now + 6 * MINUTE)
  await scheduler.run(scheduler.now + YEAR, () => gateway.running)
}

/** All is well again. Returns what was not in order within its time. */
async function healed(site: Site): Promise<string[]> {
  const { scheduler, gateway, troubles, trace } = site
  await scheduler.run(scheduler.now + YEAR, () => gateway.running)
  troubles.heal()
  const deadline = scheduler.now + ARRIVED_MS
  await scheduler.run(scheduler.now + CALM_MS)
  const missing = await arrived(site, deadline)
  if (missing.length > 0) return missing
  trace.note('person: a newcomer')
  const before = site.greens
  site.visits.tap(0, NEWCOMER.tag)
  await scheduler.run(scheduler.now + LIGHT_MS, () => site.greens > before)
  const light = [...site.shown].find(([card]) => card.includes(NEWCOMER.tag))?.[1]
  if (site.greens === before) return ['a newcomer got no green light']
  if (light !== undefined && light !== 'accepted') return [`a newcomer was told ${light}`]
  return arrived(site, scheduler.now + ARRIVED_MS)
}

/** Waits until every record is at the consumer and settled; returns what is not. */
async function arrived(site: Site, deadline: number): Promise<string[]> {
  const { scheduler } = site
  let nextLook = scheduler.now + OPERATOR_EVERY_MS
  for (;;) {
    const status = await statusOf(site)
    const missing = status ? whereIs(status, site) : ['the gateway does not answer']
    if (missing.length === 0) return []
    if (scheduler.now >= deadline) return missing.map((what) => `hours after all was well again: ${what}`)
    if (scheduler.now >= nextLook) {
      nextLook = scheduler.now + OPERATOR_EVERY_MS
      await retryUnconfirmed(site)
    }
    await scheduler.run(scheduler.now + 2 * SECOND)
  }
}

function whereIs({ lastSeq, settled, backlog, parked }: StatusLine, { consumer }: Site): string[] {
  const lost = Array.from({ length: lastSeq }, (_, index) => index + 1).filter((seq) => !consumer.received.ids.has(seq))
  return [
    ...(lost.length > 0 ? [`${lost.length} records did not arrive, the first of them ${lost[0] ?? 0}`] : []),
    ...(settled < lastSeq || backlog > 0 ? [`settled up to ${settled} of ${lastSeq}, ${backlog} wait`] : []),
    ...(parked > 0 ? [`${parked} records are parked`] : []),
  ]
}

const NOBODY = { signal: new AbortController().signal, progress: () => undefined }

async function statusOf({ gateway, scheduler }: Site): Promise<StatusLine | undefined> {
  let status: StatusLine | undefined
  let answered = false
  gateway.life?.actions?.status(undefined, NOBODY).then(
    (line) => {
      status = line
      answered = true
    },
    () => (answered = true),
  )
  await scheduler.run(scheduler.now + 5 * SECOND, () => answered)
  return status
}

/** Records that connections broke of are sent again only when a person asks for it. */
async function retryUnconfirmed({ gateway, data, scheduler, trace }: Site): Promise<void> {
  const reader = new JournalReader(journalFile({ data: { path: data } }), SITE.offsets)
  const parked = reader.parked()
  reader.close()
  for (const { id, seq, code } of parked) {
    if (code !== 'publish-unconfirmed') continue
    trace.note(`person: backlog retry ${seq}`)
    let answered = false
    const done = (): void => void (answered = true)
    gateway.life?.actions?.retry({ id }, NOBODY).then(done, done)
    await scheduler.run(scheduler.now + 60 * SECOND, () => answered)
  }
}

/** The last process ends: as it should, or not. */
async function last({ gateway, scheduler, plan, random }: Site): Promise<void> {
  if (plan.mode === 'liveness') gateway.stop(false)
  else if (between(random, 0, 1) === 0) gateway.kill()
  else gateway.cutPower()
  await scheduler.run(scheduler.now + STOP_MS + SECOND, () => !gateway.running)
}
