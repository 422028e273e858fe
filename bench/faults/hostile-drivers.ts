/** Drivers that do everything a driver must not. Each is one reader among four good ones. */
import type { Moment, ReaderSession, Sighting } from '../../src/driver.js'

export type HostileSession = ReaderSession<Record<string, never>, 'bytes'>

export interface Hostile {
  readonly about: string
  /** What one process cannot keep to one reader: then the whole daemon falls, and must lose nothing. */
  readonly fells?: 'hangs' | 'dies'
  readonly run: (session: HostileSession) => Promise<void>
}

/** Stands in whatever it forges: no record may hold it. */
export const FORGED = 'FORGED'
const READY = { model: 'hostile' }
const LEAKED_MOST_BYTES = 200_000_000
const FLOOD = 500
/** Good enough for some hundred punches before the daemon falls. */
const FALL_MS = 700

/** A turn of the main loop, whatever the session's clock and signal say. */
const turn = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const forEver = (): Promise<never> => new Promise(() => undefined)

/** Moments of the transport, one for each time somebody is presented. */
async function* moments({ transport }: HostileSession): AsyncGenerator<Moment> {
  for await (const { arrived } of transport) yield arrived
}

let made = 0
function sighting(arrived: Moment, value = `F0${(made++).toString(16).toUpperCase().padStart(8, '0')}`): Sighting {
  return { credential: { type: 'card', value, scope: 'global' }, method: 'card', arrived }
}

/** Whatever types say: drivers are JavaScript in the end. */
function untyped(value: unknown): never {
  return value as never
}

/** Throws what is no error. */
function forward(thrown: unknown): Promise<never> {
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is what it is for
  return new Promise((_resolve, reject: (reason: unknown) => void) => reject(thrown))
}

/** Every look at it throws. */
function trap(): object {
  const throws = (): never => {
    throw new Error('a trap')
  }
  const traps = { get: throws, has: throws, ownKeys: throws, getPrototypeOf: throws, getOwnPropertyDescriptor: throws }
  return new Proxy({}, traps)
}

/** True to the first look, another at every later one. */
function turncoat(first: unknown, later: unknown): PropertyDescriptor {
  let looks = 0
  return { enumerable: true, get: () => (looks++ === 0 ? first : later) }
}

async function tell(session: HostileSession, ...given: readonly unknown[]): Promise<void> {
  for (const one of given) await session.report(untyped(one))
}

export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'throws-sync': {
    about: 'throws before its first await',
    run: () => {
      throw new Error('at once')
    },
  },
  'throws-async': {
    about: 'throws after a while',
    run: async (session) => {
      session.ready(READY)
      await turn(20)
      throw new Error('later')
    },
  },
  'throws-oddly': {
    about: 'throws an object that throws whenever it is looked at',
    run: async (session) => {
      session.ready(READY)
      await turn(20)
      return forward(trap())
    },
  },
  'throws-finally': {
    about: 'throws, and something else in its clean-up',
    run: async (session) => {
      session.ready(READY)
      try {
        for await (const arrived of moments(session)) throw Object.assign(new Error('first'), { arrived })
      } finally {
        await forward(trap())
      }
    },
  },
  hangs: { about: 'never ends, and never looks at its signal', run: forEver },
  'ignores-stop': {
    about: 'goes on after the stop, with timers and promises',
    run: async (session) => {
      session.ready(READY)
      setInterval(() => undefined, 10)
      for (;;) await turn(5)
    },
  },
  leaks: {
    about: `keeps a megabyte more every 10 ms, up to ${LEAKED_MOST_BYTES / 1_000_000} MB`,
    run: async (session) => {
      session.ready(READY)
      const kept: Uint8Array[] = []
      for (; kept.length < LEAKED_MOST_BYTES / 1_000_000; await turn(10)) kept.push(new Uint8Array(1_000_000).fill(1))
      await forEver()
    },
  },
  floods: {
    about: `reports ${FLOOD} cards at a time, as fast as the loop turns, and waits for none`,
    run: async (session) => {
      session.ready(READY)
      for await (const arrived of moments(session))
        for (; !session.signal.aborted; await turn())
          for (let count = 0; count < FLOOD; count++) void session.report(sighting(arrived))
    },
  },
  'floods-events': {
    about: `tells ${FLOOD} events at a time, as fast as the loop turns, and waits for none`,
    run: async (session) => {
      session.ready(READY)
      for (; !session.signal.aborted; await turn())
        for (let count = 0; count < FLOOD; count++) void session.event('flood', { count })
    },
  },
  stuck: {
    about: 'a card that lies on the reader is reported 1,000 times a second',
    run: async (session) => {
      session.ready(READY)
      for await (const arrived of moments(session))
        for (let reads = 0, from = performance.now(); !session.signal.aborted; await turn(1))
          for (; reads < performance.now() - from; reads++) void session.report(sighting(arrived, 'F0F0F0F0'))
    },
  },
  'lies-about-time': {
    about: 'moments of its own making, past and future; claims that are no time',
    run: async (session) => {
      session.ready(READY)
      for await (const arrived of moments(session)) {
        const walls = [
          0,
          -1,
          Number.NaN,
          Infinity,
          8.64e15,
          1e300,
          arrived.wall - 86_400_000,
          arrived.wall + 86_400_000,
        ]
        for (const wall of walls) {
          await tell(session, sighting({ ...arrived, wall }), sighting(Object.freeze({ ...arrived, uptime: wall })))
          if (Math.abs(wall) > 253_402_300_800_000 || Number.isNaN(wall))
            await tell(session, { ...sighting(arrived), claim: { wall, key: FORGED, late: true } })
        }
        const past = { ...arrived, wall: 1, boot: FORGED }
        await tell(session, Object.defineProperty({ ...sighting(arrived) }, 'arrived', turncoat(arrived, past)))
        await tell(session, sighting(new Proxy(arrived, {})))
      }
    },
  },
  forges: {
    about: 'sightings of another reader, place, person and verdict',
    run: async (session) => {
      const other = {
        reader: FORGED,
        place: FORGED,
        direction: FORGED,
        person: { ref: FORGED },
        verdict: FORGED,
        sim: FORGED,
      }
      session.ready(untyped({ ...READY, ...other }))
      Object.assign(session, { readerId: FORGED })
      for await (const arrived of moments(session)) {
        const good = sighting(arrived)
        await tell(session, { ...good, ...other, origin: other })
        await tell(session, { ...sighting(arrived), credential: { ...sighting(arrived).credential, ...other } })
        for (const point of [FORGED, 'gate-0']) await tell(session, { ...sighting(arrived), point })
        await tell(session, { ...sighting(arrived), method: FORGED })
        const { credential } = sighting(arrived)
        Object.defineProperty(credential, 'value', turncoat(credential.value, FORGED))
        await tell(session, { ...sighting(arrived), credential })
        await session.event('forged', untyped({ nested: { reader: FORGED } }), 'gate-0')
      }
    },
  },
  huge: {
    about: 'credentials and evidence of ten megabytes',
    run: async (session) => {
      session.ready({ model: 'x'.repeat(10_000_000) })
      const much = 'F0'.repeat(5_000_000)
      for await (const arrived of moments(session)) {
        await tell(session, sighting(arrived, much), { ...sighting(arrived), raw: { much } })
        await tell(session, {
          ...sighting(arrived),
          raw: Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [at, at])),
        })
        await tell(session, { ...sighting(arrived), claim: { wall: 0, key: much, late: false } })
        await session.event('much', { much })
      }
    },
  },
  traps: {
    about: 'objects that throw, change, run in circles or hold functions',
    run: async (session) => {
      const circle: Record<string, unknown> = {}
      circle['circle'] = circle
      session.ready(untyped({ model: 10n, serial: circle }))
      for await (const arrived of moments(session)) {
        await tell(session, trap(), undefined, null, 7, 'text', [], circle)
        const oddities: unknown[] = [trap(), circle, 10n, () => 1, Symbol('s'), Object.create(null), new Map(), NaN, []]
        for (const odd of oddities)
          await tell(session, { ...sighting(arrived), credential: odd }, { ...sighting(arrived), raw: { odd } }, { ...sighting(arrived), claim: odd }, { ...sighting(arrived), method: odd }, { ...sighting(arrived), point: odd }, sighting(arrived, untyped(odd))) // prettier-ignore
        session.measure(untyped({ big: 10n, none: NaN, text: 'x', fine: 1 }))
        session.count(untyped('constructor'), NaN)
        await session.event('odd', untyped({ big: 10n, circle, act: () => 1 }))
      }
    },
  },
  'blocks-a-while': {
    about: 'holds the main loop for 200 ms, five times in all',
    run: async (session) => {
      session.ready(READY)
      for (let times = 0; times < 5; times++) {
        await turn(100)
        for (const until = performance.now() + 200; performance.now() < until;);
      }
      await forEver()
    },
  },
  'blocks-for-ever': {
    about: 'holds the main loop for ever',
    fells: 'hangs',
    run: async (session) => {
      session.ready(READY)
      await turn(FALL_MS)
      for (;;);
    },
  },
  'floods-microtasks': {
    about: 'awaits nothing for ever, so that no timer and no wire has its turn',
    fells: 'hangs',
    run: async (session) => {
      session.ready(READY)
      await turn(FALL_MS)
      for (;;) await Promise.resolve()
    },
  },
  'throws-aside': {
    about: 'throws in a timer, where nobody can catch it',
    fells: 'dies',
    run: async (session) => {
      session.ready(READY)
      setTimeout(() => {
        throw new Error('aside')
      }, FALL_MS)
      await forEver()
    },
  },
  'rejects-aside': {
    about: 'leaves a rejected promise lying about',
    fells: 'dies',
    run: async (session) => {
      session.ready(READY)
      await turn(FALL_MS)
      void Promise.reject(new Error('aside'))
      await forEver()
    },
  },
  exits: {
    about: 'ends the process',
    fells: 'dies',
    run: async (session) => {
      session.ready(READY)
      await turn(FALL_MS)
      process.exit(3)
    },
  },
}
