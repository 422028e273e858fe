/** ZKTeco terminals that answer on port 4370 only: live events as hints, their log as the truth. */
import { TransportError, type Driver, type ReaderRequest } from '../../src/driver.js'
import { ClockWatch } from './clock-watch.js'
import { COMMAND, REPLY, words } from './codec.js'
import { fields, type Session } from './config.js'
import { Link } from './link.js'
import { AttendanceLog, type Outcome } from './log.js'
import { open, registered } from './opening.js'

/** How often requests of people are looked for. */
const TICK_MS = 500
/** Punches come in bursts: one look at the log for those of a second. */
const DEBOUNCE_MS = 1_000
/** An event may come before its row is in the log. */
const AGAIN_MS = 5_000
/** When the journal could not store. */
const REFUSED_MS = 10_000
/** A terminal this quiet is asked for its time: over UDP nothing else tells that it is gone. */
const QUIET_MS = 60_000

export const driver: Driver<typeof fields, 'bytes'> = {
  name: 'zk-4370',
  title: 'ZKTeco terminals that answer on port 4370',
  transport: 'bytes',
  schemes: ['tcp', 'udp'],
  options: fields,
  requests: ['identify'],

  async run(session) {
    const link = new Link(session)
    try {
      await serve(session, link)
    } catch (error) {
      if (!session.signal.aborted || error instanceof TransportError) throw error
    } finally {
      await link.close()
    }
  },
}

async function serve(session: Session, link: Link): Promise<void> {
  const { clock, signal, config, requests } = session
  const identity = await open(session, link)
  const clocks = new ClockWatch(session, link)
  await clocks.compare()
  const log = new AttendanceLog(session, link, clocks, identity.serial ?? '')
  await log.recall()
  if (!(await registered(link))) {
    session.log.warn('Terminal tells no live events: its log is read now and then', { event: 'live-events-refused' })
  }
  session.ready(identity)
  const plan = new Plan(config.poll, clock.uptime())
  while (!signal.aborted) {
    const request = requests.take()
    if (request) await answer(request, link)
    if (link.hinted) plan.hint(clock.uptime())
    link.hinted = false
    if (plan.isDue(clock.uptime())) plan.done(await log.reconcile(plan.isHinted), clock.uptime())
    if (link.quietMs >= QUIET_MS) await clocks.compare()
    await link.listen(Math.min(TICK_MS, plan.leftMs(clock.uptime())))
  }
}

/** When to look at the log. */
class Plan {
  /** A live event said that there is something. */
  isHinted = false
  #due: number
  #isSecond = false
  readonly #poll: number

  constructor(poll: number, now: number) {
    this.#poll = poll
    this.#due = now
  }

  hint(now: number): void {
    this.isHinted = true
    this.#isSecond = false
    this.#due = Math.min(this.#due, now + DEBOUNCE_MS)
  }

  isDue(now: number): boolean {
    return now >= this.#due
  }

  leftMs(now: number): number {
    return Math.max(0, this.#due - now)
  }

  done(outcome: Outcome, now: number): void {
    const again = outcome === 'same' && this.isHinted && !this.#isSecond
    this.#isSecond = again
    this.isHinted = again
    this.#due = now + (outcome === 'refused' ? REFUSED_MS : again ? AGAIN_MS : this.#poll)
  }
}

async function answer(request: ReaderRequest, link: Link): Promise<void> {
  if (request.kind !== 'identify') return request.fail('a terminal on port 4370 can only be asked to show itself')
  request.progress('speaking', 'The terminal says thank you.')
  const { frame } = await link.ask(COMMAND.testVoice, words(0))
  if (frame.command === REPLY.ok) return request.done()
  request.fail(`the terminal refuses to speak (code ${frame.command})`, 'models without a loudspeaker cannot')
}
