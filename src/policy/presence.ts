/**
 * Who is there, from signs of life: a radio that hears badges, a network that phones join. Pure: no clock, no I/O; every
 * call says what time it is. Arrival needs enough evidence, departure needs silence, and the two limits of strength lie
 * apart, so that somebody at the edge neither comes nor goes. [BLE §5]
 */
import type { Credential, Moment, Sample } from '../model.js'
import { isStrength, Level } from './level.js'

export interface PresenceRules {
  /** So many signs of life, none further than `withinMs` from the next, make an arrival. */
  readonly samples: number
  readonly withinMs: number
  /** Smoothed strength from which on a sign counts towards an arrival. */
  readonly enterDbm: number
  /** Smoothed strength below which somebody counts as not heard. */
  readonly leaveDbm: number
  /** Silence that makes a departure. */
  readonly awayMs: number
  /** After a connection ended: phones sleep and roam. */
  readonly graceMs: number
  /** A connection that ends sooner was none. */
  readonly settleMs: number
}

export interface Signal {
  /** Smoothed; null when the source tells no strength. */
  readonly rssiDbm: number | null
  /** Signs of life that the change rests on: before an arrival, and of the whole stay. */
  readonly samples: number
}

export interface Change {
  readonly change: 'arrived' | 'left'
  readonly holder: string
  readonly credential: Credential
  readonly method: Sample['method']
  /** Of an arrival the first sign that counted, of a departure the last sign of life. */
  readonly at: Moment
  /** When the stay began. */
  readonly since: Moment
  readonly signal: Signal
}

/** A stay that has not ended, as it is kept across restarts. */
export interface Stay {
  readonly holder: string
  readonly credential: Credential
  readonly method: Sample['method']
  readonly since: Moment
  readonly lastHeard: Moment
  readonly connected: boolean
}

/** One thing that somebody carries. */
interface Device {
  readonly holder: string
  readonly credential: Credential
  readonly method: Sample['method']
  readonly level: Level
  /** The signs that may become an arrival. */
  coming: { readonly first: Moment; count: number; last: number } | undefined
  joinedAt: Moment | undefined
  connected: boolean
  /** Since when it is there; undefined when it is not. */
  since: Moment | undefined
  lastHeard: Moment
  /** Since when it is not heard well enough, for as far as we listened. */
  quietFrom: number
  quietLimitMs: number
  samples: number
}

export class Presence {
  readonly #rules: PresenceRules
  readonly #devices = new Map<string, Device>()
  /** When each holder came who is there. */
  readonly #here = new Map<string, Moment>()

  constructor(rules: PresenceRules) {
    this.#rules = rules
  }

  /** Takes a sign of life of `holder`. */
  take(sample: Sample, holder: string): Change[] {
    const device = this.#device(sample, holder)
    const { arrived } = sample
    if (sample.kind === 'parted') return this.#part(device, arrived)
    if (sample.kind === 'joined' && !device.connected) {
      device.connected = true
      device.joinedAt = arrived
    }
    return this.#hear(device, sample)
  }

  /** The source counted: of the things that this method saw connected, only these are. */
  list(keys: ReadonlySet<string>, method: Sample['method'], at: Moment): Change[] {
    const gone = [...this.#devices].filter(([key, { connected, method: by }]) => connected && by === method && !keys.has(key)) // prettier-ignore
    return gone.flatMap(([, device]) => this.#part(device, at))
  }

  /** What the passing of time brings: call it each second or so while the source listens. */
  tick(uptime: number): Change[] {
    const changes: Change[] = []
    for (const [key, device] of this.#devices) {
      const { joinedAt } = device
      if (device.since === undefined && joinedAt && uptime - joinedAt.uptime >= this.#rules.settleMs)
        changes.push(...this.#enter(device, joinedAt))
      if (device.connected) continue
      const isOver = uptime - device.quietFrom >= device.quietLimitMs
      if (isOver && device.since !== undefined) changes.push(...this.#leave(device))
      // Nobody is remembered for having passed by.
      if (isOver && device.since === undefined) this.#devices.delete(key)
    }
    return changes
  }

  /** The source listens again from now on: silence before it was ours. */
  resume(uptime: number): void {
    for (const device of this.#devices.values()) {
      device.quietFrom = uptime
      device.coming = undefined
      device.level.forget()
    }
  }

  /** Those who are there, to be kept across a restart. */
  stays(): Stay[] {
    return [...this.#devices.values()].flatMap(({ since, holder, credential, method, lastHeard, connected }) =>
      since === undefined ? [] : [{ holder, credential, method, since, lastHeard, connected }],
    )
  }

  /** Those who were there before a restart are there still, until silence says otherwise. */
  restore(stays: readonly Stay[], uptime: number): void {
    for (const { holder, credential, method, since, lastHeard, connected } of stays) {
      const device = this.#device({ credential, method, arrived: lastHeard }, holder)
      Object.assign(device, { since, connected, quietFrom: uptime })
      const earlier = this.#here.get(holder)
      if (!earlier || since.wall < earlier.wall) this.#here.set(holder, since)
    }
  }

  #device({ credential, method, arrived }: Pick<Sample, 'credential' | 'method' | 'arrived'>, holder: string): Device {
    const key = keyOf(credential)
    const known = this.#devices.get(key)
    if (known) return known
    const device: Device = {
      holder,
      credential,
      method,
      level: new Level(),
      coming: undefined,
      joinedAt: undefined,
      connected: false,
      since: undefined,
      lastHeard: arrived,
      quietFrom: arrived.uptime,
      quietLimitMs: this.#rules.awayMs,
      samples: 0,
    }
    this.#devices.set(key, device)
    return device
  }

  #hear(device: Device, { arrived, rssiDbm }: Sample): Change[] {
    if (rssiDbm !== undefined && !isStrength(rssiDbm)) return []
    const levelDbm = rssiDbm === undefined ? undefined : device.level.take(arrived.uptime, rssiDbm)
    device.samples += 1
    // Too weak to be here: as if it were not heard.
    if (levelDbm !== undefined && levelDbm < this.#rules.leaveDbm) {
      device.coming = undefined
      return []
    }
    device.lastHeard = arrived
    device.quietFrom = arrived.uptime
    device.quietLimitMs = this.#rules.awayMs
    if (device.since !== undefined || device.connected) return []
    if (levelDbm !== undefined && levelDbm < this.#rules.enterDbm) return []
    return this.#come(device, arrived)
  }

  /** One more sign towards an arrival. */
  #come(device: Device, arrived: Moment): Change[] {
    const { coming } = device
    if (!coming || arrived.uptime - coming.last > this.#rules.withinMs) {
      device.coming = { first: arrived, count: 1, last: arrived.uptime }
      device.samples = 1
    } else {
      coming.count += 1
      coming.last = arrived.uptime
    }
    const { first, count } = device.coming ?? { first: arrived, count: 0 }
    return count >= this.#rules.samples ? this.#enter(device, first) : []
  }

  #part(device: Device, at: Moment): Change[] {
    const wasConnected = device.connected
    device.connected = false
    device.joinedAt = undefined
    if (!wasConnected) return []
    device.lastHeard = at
    device.quietFrom = at.uptime
    device.quietLimitMs = this.#rules.graceMs
    return []
  }

  #enter(device: Device, at: Moment): Change[] {
    device.since = at
    device.coming = undefined
    device.joinedAt = undefined
    if (this.#here.has(device.holder)) return []
    this.#here.set(device.holder, at)
    return [changeOf('arrived', device, at, at)]
  }

  /** The holder has left with the last of the holder's things. */
  #leave(device: Device): Change[] {
    device.since = undefined
    const { holder } = device
    const since = this.#here.get(holder)
    if (!since) return []
    const others = [...this.#devices.values()].filter((other) => other.holder === holder)
    if (others.some((other) => other.since !== undefined)) return []
    this.#here.delete(holder)
    const last = others.reduce((latest, other) => (isLater(other, latest) ? other : latest), device)
    return [changeOf('left', last, last.lastHeard, since)]
  }
}

/** Things are told apart by it. */
export function keyOf({ type, value, scope }: Credential): string {
  return `${type}:${scope}:${value}`
}

function isLater(one: Device, other: Device): boolean {
  if (one.lastHeard.boot === other.lastHeard.boot) return one.lastHeard.uptime > other.lastHeard.uptime
  return one.lastHeard.wall > other.lastHeard.wall
}

function changeOf(change: Change['change'], device: Device, at: Moment, since: Moment): Change {
  const { holder, credential, method, samples, level } = device
  const rssiDbm = level.dbm === undefined ? null : Math.round(level.dbm)
  return { change, holder, credential, method, at, since, signal: { rssiDbm, samples } }
}
