/** One process of the gateway: the real daemon, on a machine, a disk, wires and a network that the simulation owns. */
import type { Clock } from '../../src/clock.js'
import type { Config } from '../../src/config/config.js'
import type { ControlActions } from '../../src/control.js'
import { runDaemon } from '../../src/daemon.js'
import type { AnyDriver, Logger } from '../../src/driver.js'
import type { Host } from '../../src/host.js'
import { JournalThread } from '../../src/journal/client.js'
import type { Request } from '../../src/journal/protocol.js'
import type { OpenTransport } from '../../src/transport/url.js'
import type { Random } from '../../simulators/random.js'
import type { Broker } from './broker.js'
import type { Disk } from './disk.js'
import { Hop } from './hop.js'
import type { Owner, Scheduler } from './scheduler.js'

export interface LifeContext {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly config: Config
  readonly clock: (owner: Owner) => Clock
  readonly disk: Disk
  readonly broker: Broker
  readonly open: (owner: Owner) => OpenTransport
  readonly drivers: (owner: Owner) => readonly AnyDriver[]
  readonly log: (owner: Owner) => Logger
  /** Everything that the thread of the journal is asked. */
  readonly onRequest: (request: Request) => void
  /** It ended by itself: `error`, unless it was asked to. */
  readonly onExit: (life: Life, error: unknown) => void
}

const PLENTY = { free: 50e9, total: 100e9 }

export class Life implements Owner {
  readonly #context: LifeContext
  readonly #stop = new AbortController()
  alive = true
  frozenUntil = 0
  /** What `punchd` would ask over the control socket; undefined before it is up. */
  actions: ControlActions | undefined

  constructor(context: LifeContext) {
    this.#context = context
  }

  start(): void {
    const { config, clock: clockOf, drivers, open, log } = this.#context
    const clock = clockOf(this)
    const context = { config, drivers: drivers(this), open: open(this), clock, log: log(this), version: 'simulated' }
    runDaemon({ ...context, host: this.#host(clock) }, this.#stop.signal).then(
      () => this.#ended(undefined),
      (error: unknown) => this.#ended(error),
    )
  }

  /** As systemd does; it ends when it is ready to. */
  terminate(): void {
    this.#context.scheduler.after(0, () => this.#stop.abort(), this)
  }

  #ended(error: unknown): void {
    if (this.alive) this.#context.onExit(this, error)
  }

  #host(clock: Clock): Host {
    const { scheduler, random, disk, broker, onRequest } = this.#context
    const hop = new Hop({ scheduler, random, owner: this, clock, disk, onRequest })
    return {
      lock: () => () => undefined,
      openJournal: (options) => JournalThread.open(options, () => hop.start(options)),
      listen: (_path, actions) => {
        this.actions = actions
        return Promise.resolve({ close: () => Promise.resolve() })
      },
      connect: broker.connect(this),
      diskSpace: () => Promise.resolve(disk.full ? { ...PLENTY, free: 0 } : PLENTY),
    }
  }
}
