/** From signs of life at one reader to records of presence: asks the policy, writes down, remembers across restarts. */
import type { Report } from './attendance.js'
import type { Clock } from './clock.js'
import type { ReaderConfig } from './config/config.js'
import type { Logger } from './driver.js'
import { messageOf } from './errors.js'
import type { JournalThread } from './journal/client.js'
import type { Draft } from './journal/journal.js'
import type { Reported } from './journal/protocol.js'
import type { Census, Credential, Sample } from './model.js'
import { keyOf, Presence, type Change, type Stay } from './policy/presence.js'
import { presenceSettings, type PresenceSettings } from './presence-options.js'
import type { SiteZone } from './zone.js'

export interface PresenceContext {
  readonly reader: ReaderConfig
  readonly clock: Clock
  readonly log: Logger
  readonly zone: SiteZone
  readonly timeOf: (wall: number) => string
  readonly journal: Pick<JournalThread, 'append' | 'recall' | 'remember' | 'personOf'>
  readonly report: (report: Report) => Promise<Reported>
}

const TICK_MS = 1_000
/** Departures after a restart are told by this, at the cost of a write: the card of a Pi wears. */
const KEEP_EVERY_MS = 300_000
const RETRY_MS = 5_000
/** A new people list counts for presence after so long at the latest. */
const ASK_AGAIN_MS = 60_000
const KEY = 'stays'

export class PresenceBook {
  readonly #context: PresenceContext
  readonly #settings: PresenceSettings
  readonly #policy: Presence
  /** Whose each thing is. */
  readonly #holders: ReadonlyMap<string, string>
  /** Whose things are that the people list was asked about; null: of nobody there. */
  readonly #persons = new Map<string, { readonly ref: string | null; readonly askedAt: number }>()
  /** Changes on their way into the journal, in order. */
  #writing: Promise<void>
  #keptAt: number
  #kept = '[]'
  #stopped = false
  #isBehind = false

  constructor(context: PresenceContext) {
    this.#context = context
    this.#settings = presenceSettings(context.reader.options)
    this.#policy = new Presence(this.#settings.rules)
    this.#holders = new Map(
      this.#settings.watch.map(({ type, value, name }) => {
        const key = keyOf({ type, value, scope: 'global' })
        return [key, name ?? key]
      }),
    )
    this.#keptAt = context.clock.uptime()
    this.#writing = this.#restore()
  }

  /** Resolves when those who were there before the restart are known. */
  restored(): Promise<void> {
    return this.#writing
  }

  /** Takes evidence. Of things that nobody asked to watch nothing is kept. */
  take(sample: Sample | Census): void {
    if (sample.kind === 'listed') {
      const keys = new Set(sample.credentials.map(keyOf))
      return this.#write(this.#policy.list(keys, sample.method, sample.arrived))
    }
    const key = keyOf(sample.credential)
    const name = this.#holders.get(key)
    if (name === undefined) return
    const person = this.#persons.get(key)
    // Whose it is comes first: two things of one person are one arrival, whatever they are called here.
    if (person === undefined) return void this.#learn(sample.credential).then(() => this.take(sample))
    if (this.#context.clock.uptime() - person.askedAt >= ASK_AGAIN_MS) void this.#learn(sample.credential)
    this.#write(this.#policy.take(sample, person.ref === null ? name : `ref ${person.ref}`))
  }

  async #learn(credential: Credential): Promise<void> {
    const ref = await this.#personOf(credential)
    this.#persons.set(keyOf(credential), { ref, askedAt: this.#context.clock.uptime() })
  }

  /** Without an answer it is a thing of nobody: somebody came all the same. */
  async #personOf(credential: Credential): Promise<string | null> {
    return (await this.#context.journal.personOf(credential).catch(() => undefined)) ?? null
  }

  /** Lets time pass until the signal aborts: from the moment the source listens to the moment it does not. */
  async listen(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context
    this.#policy.resume(clock.uptime())
    while (!signal.aborted) {
      await clock.sleep(TICK_MS, signal)
      if (signal.aborted) break
      this.#write(this.#policy.tick(clock.uptime()))
      if (clock.uptime() - this.#keptAt >= KEEP_EVERY_MS) await this.#keep()
    }
    await this.#keep()
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    this.#stopped = true
    await this.#writing
  }

  #write(changes: readonly Change[]): void {
    for (const change of changes) {
      // With the stays as they are after it: a kill in between must not make anybody arrive twice.
      const stays = JSON.stringify(this.#policy.stays())
      this.#writing = this.#writing.then(() => this.#store(change, stays))
    }
  }

  async #store(change: Change, stays: string): Promise<void> {
    const { clock, log, journal, reader } = this.#context
    const person = await this.#personOf(change.credential)
    const draft = { ...this.#draft(change, person), memory: { reader: reader.id, key: KEY, value: stays } }
    for (;;) {
      try {
        // The punch first: it is stored once, however often the arrival is told again after a kill.
        if (change.change === 'arrived' && this.#settings.punchesFirst) await this.#punch(change)
        await journal.append(draft)
        this.#kept = stays
        log.info(change.change === 'arrived' ? 'Arrived' : 'Left', {
          event: `presence-${change.change}`,
          credential: `…${change.credential.value.slice(-4)}`,
        })
        return
      } catch (error) {
        log.error('Presence not stored', { event: 'presence-refused', reason: messageOf(error) })
        // Not written, so not to be remembered either: the next start hears it anew.
        if (this.#stopped) return void (this.#isBehind = true)
        await clock.sleep(RETRY_MS)
      }
    }
  }

  #draft({ change, credential, method, at, since, signal }: Change, person: string | null): Draft {
    const { reader, timeOf } = this.#context
    const fields = {
      reader: reader.id,
      place: reader.place,
      driver: reader.driver,
      time: timeOf(at.wall),
      change,
      credential: { ...credential },
      person: person === null ? null : { ref: person },
      method,
      signal: { ...signal },
      since: change === 'left' ? timeOf(since.wall) : undefined,
      sim: reader.sim ? true : undefined,
    }
    return { kind: 'presence', channel: reader.id, moment: at, fields }
  }

  /** The first arrival of a day at a place, whichever of its readers saw it. */
  async #punch({ holder, credential, method, at }: Change): Promise<void> {
    const { reader, zone, report } = this.#context
    const { id, place, direction, driver, sim } = reader
    const once = JSON.stringify(['first-arrival', place, holder, zone.dayOf(at.wall)])
    const origin = { reader: id, place, direction, driver, sim }
    const { failure } = await report({ origin, sighting: { credential, method, arrived: at }, once })
    if (failure) throw new Error(failure.message)
  }

  async #keep(): Promise<void> {
    const { clock, journal, reader, log } = this.#context
    this.#keptAt = clock.uptime()
    await this.#writing
    const stays = JSON.stringify(this.#policy.stays())
    if (stays === this.#kept || this.#isBehind) return
    this.#kept = stays
    await journal.remember(reader.id, KEY, stays).catch((error: unknown) => {
      log.warn('Stays not kept', { event: 'presence-refused', reason: messageOf(error) })
    })
  }

  async #restore(): Promise<void> {
    const { journal, reader, clock, log } = this.#context
    try {
      const text = await journal.recall(reader.id, KEY)
      if (text === undefined) return
      const stays = (JSON.parse(text) as Stay[]).filter(({ credential }) => this.#holders.has(keyOf(credential)))
      this.#policy.restore(stays, clock.uptime())
      this.#kept = text
    } catch (error) {
      log.warn('Stays not restored', { event: 'presence-refused', reason: messageOf(error) })
    }
  }
}
