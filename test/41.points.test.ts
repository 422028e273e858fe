/** Several devices behind one reader: each with a state, a place and topics of its own. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import type { AnyDriver, ReaderSession } from '../src/driver.js'
import { options, secret, whole } from '../src/driver.js'
import { loadConfig } from '../src/config/load.js'
import { ask } from '../src/verbs/ask.js'
import { writeConfig } from './support/daemon.js'
import { InProcess } from './support/in-process.js'
import { cardSighting } from './support/supervision.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

type Session = ReaderSession<Record<string, unknown>, 'bytes'>

/** An address for which the driver names a point of somebody else. */
const FOREIGN = 9
let verdicts: string[] = []

/** A bus whose wire says which point was touched: one byte, the address. */
function bus(begin: (session: Session) => void = () => undefined): AnyDriver {
  return {
    name: 'bus',
    title: 'Bus',
    transport: 'bytes',
    options: options({ hostSecret: secret('Of the bus.') }),
    points: {
      match: options({ address: whole(0, 126, 0, 'Address on the bus.') }),
      options: options({ keySecret: secret('Of the point.') }),
    },
    run: async (session: Session) => {
      session.ready({ model: 'Bus' })
      begin(session)
      for await (const { bytes, arrived } of session.transport) {
        for (const address of bytes) {
          const found = session.points.find(({ match }) => match['address'] === address)
          const point = address === FOREIGN ? 'gate' : found?.id
          const sighting = { ...cardSighting(arrived), raw: { address } }
          verdicts.push(await session.report(point === undefined ? sighting : { ...sighting, point }))
        }
      }
    },
  }
}

const points = (...lines: string[]): string[] => ['id: bus', 'driver: bus', 'transport: tcp://bus:1', ...lines]
const TWO = points(
  'points:',
  '  - { id: left, match: { address: 1 }, direction: in, place: hall }',
  '  - { id: right, match: { address: 2 }, direction: out }',
)

describe('points in the configuration', () => {
  const folder = tempFolder()
  const problems = (reader: string[], driver = bus()): string[] =>
    loadConfig(writeConfig(folder.path, { readers: [reader] }), { drivers: [driver], env: {} }).problems.map(
      ({ message }) => message,
    )

  it('have defaults of their own, and secrets from files', () => {
    writeFileSync(folder.file('key'), 'ABCD\n', { mode: 0o600 })
    const reader = points(
      `points: [{ id: left, match: { address: 1 }, options: { keySecret: { file: ${folder.file('key')} } } }]`,
    )
    const file = writeConfig(folder.path, { readers: [reader] })
    const { config } = loadConfig(file, { drivers: [bus()], env: {} })
    assert.deepEqual(config?.readers[0]?.points, [
      {
        id: 'left',
        name: 'left',
        place: 'left',
        direction: 'none',
        match: { address: 1 },
        options: { keySecret: 'ABCD' },
      },
    ])
    assert.equal(config?.readers[0]?.options['hostSecret'], '')
  })

  for (const [what, reader, message] of [
    ['must stand where the driver needs them', points(), 'driver bus needs points'],
    [
      'must differ',
      points('points: [{ id: a, match: { address: 1 } }, { id: b, match: { address: 1 } }]'),
      'points[0] has the same match',
    ],
    [
      'must have ids of their own',
      points('points: [{ id: bus, match: { address: 1 } }]'),
      'reader id "bus" is already used by readers[0]',
    ],
    [
      'must match by what the driver knows',
      points('points: [{ id: a, match: { adress: 1 } }]'),
      'unknown key "adress"',
    ],
    [
      'must have a secret that can be read',
      points('points: [{ id: a, options: { keySecret: { env: NOPE } } }]'),
      'environment variable NOPE is not set',
    ],
  ] as const) {
    it(what, () => assert.deepEqual(problems([...reader]), [message]))
  }

  it('must not stand where the driver serves one device', () => {
    const { points: _none, ...single } = bus()
    assert.deepEqual(problems(TWO, single as AnyDriver), ['driver bus serves one device and has no points'])
  })
})

describe('points of a running reader', () => {
  const folder = tempFolder()
  let session: Session
  let daemon: InProcess

  beforeEach(async () => {
    verdicts = []
    const driver = bus((begun) => void (session = begun))
    daemon = new InProcess(writeConfig(folder.path, { readers: [TWO] }), [driver])
    await daemon.start()
    await until(() => daemon.devices.length === 1)
  })
  afterEach(async () => daemon.stop())

  const states = async () =>
    (await ask(daemon.config, 'readers', undefined)).map(({ id, state, code, of }) => [id, state, code, of])

  it('have states of their own, and are lost with their reader', async () => {
    session.pointReady('left', { model: 'PD' })
    session.pointLost('right', { code: 'point-silent', reason: 'no answer', hint: 'check address 2' })
    assert.deepEqual(await states(), [
      ['bus', 'up', undefined, undefined],
      ['left', 'up', undefined, 'bus'],
      ['right', 'down', 'point-silent', 'bus'],
    ])
    daemon.devices[0]?.unplug()
    await until(async () => (await states())[1]?.[1] === 'down')
    assert.equal((await states())[1]?.[2], 'transport-lost')
  })

  it('that were up and are lost go on record, once', async () => {
    session.pointReady('left', { model: 'PD' })
    session.pointLost('left', { code: 'point-silent', reason: 'no answer' })
    session.pointLost('left', { code: 'point-silent', reason: 'no answer' })
    await until(() => daemon.records().some(({ type }) => type === 'reader-lost'))
    const lost = daemon.records().filter(({ type }) => type === 'reader-lost')
    assert.deepEqual(
      lost.map((record) => [record['subject'], record['place']]),
      [['left', 'hall']],
    )
  })

  it('punch under their own id, place and direction', async () => {
    daemon.devices[0]?.send(Uint8Array.of(1, 2))
    await until(() => daemon.records().filter(({ schema }) => schema === 'punch/1').length === 2)
    const punches = daemon.records().filter(({ schema }) => schema === 'punch/1')
    assert.deepEqual(
      punches.map((punch) => [punch['reader'], punch['place'], punch['direction'], punch['verdict']]),
      [
        ['left', 'hall', 'in', 'accepted'],
        ['right', 'right', 'out', 'accepted'],
      ],
    )
  })

  it('must be named: a sighting of none, or of another reader, is refused and stored nowhere', async () => {
    daemon.devices[0]?.send(Uint8Array.of(0, FOREIGN))
    await until(() => verdicts.length === 2)
    assert.deepEqual(verdicts, ['refused', 'refused'])
    assert.equal(
      daemon.records().some(({ schema }) => schema === 'punch/1'),
      false,
    )
  })

  it('tell operators events that are no punches', async () => {
    await session.event('tamper', { state: 'open' }, 'left')
    await session.event('Not An Event')
    const events = daemon.records().filter(
      // The gateway's own: a machine whose clock is set says so.
      ({ type, subject }) => type !== 'journal-begun' && subject !== 'clock',
    )
    assert.deepEqual(
      events.map(({ type, subject, detail }) => [type, subject, detail]),
      [['tamper', 'left', { state: 'open' }]],
    )
  })

  it('keep what a device gave besides the credential', async () => {
    daemon.devices[0]?.send(Uint8Array.of(1))
    await until(() => verdicts.length === 1)
    const punch = daemon.records().find(({ schema }) => schema === 'punch/1')
    assert.deepEqual(punch?.['raw'], { address: 1 })
  })
})
