/** What can be done to a stage: one thing after the other for each part, with a line for people. */
import type { Person } from '../scenario/scenario.js'
import { TWINS, type TwinName } from '../scenario/twins.js'
import type { Action } from './plan.js'
import type { Stage } from './stage.js'

/** A daemon that ended is started again after this long, as systemd would; "for" says otherwise. */
const RESTART_MS = 500

export class Hands {
  readonly #stage: Stage
  readonly #people: ReadonlyMap<string, Person>
  readonly #twins: ReadonlyMap<string, TwinName>
  /** Under way, by part. */
  readonly #busy = new Map<string, Promise<void>>()
  readonly #failures: unknown[] = []

  constructor(stage: Stage, people: readonly Person[], twins: ReadonlyMap<string, TwinName>) {
    this.#stage = stage
    this.#people = new Map(people.map((person) => [person.name, person]))
    this.#twins = twins
  }

  /** Begins an action; `speed` shortens how long a card is held. */
  begin(action: Action, speed: number): void {
    switch (action.do) {
      case 'present':
        return this.#present(action, speed)
      case 'broker':
        return this.#queue('broker', () => this.#broker(action.up))
      case 'daemon':
        return this.#queue('gateway', () => this.#daemon(action.what))
      case 'cable':
        return this.#queue(action.reader, () => this.#cable(action.reader, action.plugged))
      case 'pcscd':
        return this.#queue('pcscd', () => this.#pcscd(action.what))
    }
  }

  /** Resolves when everything begun is done; throws what went wrong. */
  async done(): Promise<void> {
    await Promise.all(this.#busy.values())
    if (this.#failures.length > 0) throw this.#failures[0]
  }

  /** Puts back whatever was taken away. */
  async repair(): Promise<void> {
    await this.done()
    const { broker, pcscd, readers } = this.#stage.equipment
    const { gateway, broken } = this.#stage
    if (!broker.isUp) this.begin({ atMs: 0, do: 'broker', up: true }, 1)
    if (!gateway.isRunning && !broken.aborted) this.begin({ atMs: 0, do: 'daemon', what: 'start' }, 1)
    if (pcscd && pcscd.pid === undefined) this.begin({ atMs: 0, do: 'pcscd', what: 'up' }, 1)
    for (const { id, isDark } of readers) {
      if (isDark && this.#cabled(id)) this.begin({ atMs: 0, do: 'cable', reader: id, plugged: true }, 1)
    }
    await this.done()
  }

  #cabled(id: string): boolean {
    const twin = this.#twins.get(id)
    return twin !== undefined && TWINS[twin].cable
  }

  #present({ person, reader, holdMs }: Extract<Action, { do: 'present' }>, speed: number): void {
    const twin = this.#twins.get(reader)
    const card = twin && this.#people.get(person)?.cards[TWINS[twin].cards]
    // A reader that this machine cannot have was left out: nobody goes there.
    if (card !== undefined)
      this.#stage.queue(reader)?.join(person, card, holdMs === undefined ? undefined : holdMs / speed)
  }

  #queue(part: string, act: () => Promise<void>): void {
    const before = this.#busy.get(part) ?? Promise.resolve()
    this.#busy.set(
      part,
      before.then(act).catch((error: unknown) => void this.#failures.push(error)),
    )
  }

  #note(about: string, text: string): void {
    this.#stage.show({ kind: 'note', about, text })
  }

  async #broker(up: boolean): Promise<void> {
    const { broker } = this.#stage.equipment
    if (up === broker.isUp) return
    if (up) {
      await broker.up()
      return this.#note('broker', 'is back')
    }
    this.#note('broker', 'goes away: punches are stored and wait')
    await broker.down()
    this.#stage.cutOff()
  }

  async #daemon(what: 'kill' | 'stop' | 'start' | 'restart'): Promise<void> {
    const { gateway, clock } = this.#stage
    if (what === 'start') {
      if (!gateway.isRunning) this.#note('gateway', 'starts again')
      return gateway.start()
    }
    this.#note('gateway', what === 'stop' ? 'is stopped (SIGTERM)' : 'is killed (SIGKILL)')
    await (what === 'stop' ? gateway.stop() : gateway.kill())
    if (what !== 'restart') return
    await clock.sleep(RESTART_MS)
    this.#note('gateway', 'starts again')
    gateway.start()
  }

  async #cable(id: string, plugged: boolean): Promise<void> {
    const reader = this.#stage.reader(id)
    if (!reader) return
    this.#note(id, plugged ? 'cable is put back' : 'cable is pulled')
    await (plugged ? reader.plug() : reader.unplug())
  }

  async #pcscd(what: 'down' | 'up' | 'restart'): Promise<void> {
    const { pcscd } = this.#stage.equipment
    if (!pcscd) return
    this.#note('pcscd', what === 'down' ? 'goes away' : what === 'up' ? 'starts again' : 'is restarted')
    await (what === 'down' ? pcscd.kill() : pcscd.restart())
  }
}
