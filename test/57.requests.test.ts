/** What people ask of a reader while the daemon runs: over the real control socket, with a driver of the test's own. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { AnyDriver, ReaderRequest } from '../src/driver.js'
import { options, whole } from '../src/driver.js'
import { controlSocket } from '../src/config/paths.js'
import { RequestQueue } from '../src/request-queue.js'
import { ask } from '../src/verbs/ask.js'
import { writeConfig } from './support/daemon.js'
import { InProcess } from './support/in-process.js'
import { startVerb } from './support/daemon.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

type Answer = (request: ReaderRequest) => void

/** Takes requests and answers as the test says. */
function asking(answer: Answer): AnyDriver {
  return {
    name: 'asking',
    title: 'Asking',
    transport: 'bytes',
    options: {},
    requests: ['enroll', 'remove', 'list', 'identify'],
    run: async (session) => {
      session.ready({ model: 'Asking' })
      const reading = (async () => {
        for await (const _ of session.transport);
      })()
      const serving = (async () => {
        for await (const request of session.requests) answer(request)
      })()
      await Promise.all([reading, serving])
    },
  }
}

const mute: AnyDriver = {
  name: 'mute',
  title: 'Mute',
  transport: 'bytes',
  options: options({}),
  points: { match: options({ address: whole(0, 9, 0, 'Address.') }) },
  run: async (session) => {
    session.ready({ model: 'Mute' })
    for await (const _ of session.transport);
  },
}

const READERS = [
  ['id: gate', 'driver: asking', 'transport: tcp://reader:1'],
  ['id: bus', 'driver: mute', 'transport: tcp://reader:2', 'points: [{ id: left, match: { address: 1 } }]'],
]

describe('a request to a reader', () => {
  const folder = tempFolder()
  let daemon: InProcess
  let answer: Answer

  beforeEach(async () => {
    answer = (request) => request.done({ slot: 7 })
    daemon = new InProcess(writeConfig(folder.path, { readers: READERS }), [asking((request) => answer(request)), mute])
    await daemon.start()
    await until(async () => (await ask(daemon.config, 'readers', undefined))[0]?.state === 'up')
  })
  afterEach(async () => daemon.stop())

  const request = (reader: string, kind: 'enroll' | 'remove' | 'identify', args = {}) =>
    ask(daemon.config, 'request', { reader, kind, args })

  it('is answered, and an enrolment goes on record without anything else of it', async () => {
    assert.deepEqual(await request('gate', 'enroll', { person: '1042', secret: 'x' }), { slot: 7 })
    const record = daemon.records().find(({ type }) => type === 'enrolled')
    assert.deepEqual([record?.['subject'], record?.['place']], ['gate', 'gate'])
    assert.deepEqual(record?.['detail'], { person: '1042', slot: 7 })
  })

  it('that only shows something leaves no record', async () => {
    const before = daemon.records().length
    await request('gate', 'identify')
    assert.equal(daemon.records().length, before)
  })

  it('tells its steps as they come', async () => {
    answer = (asked) => {
      asked.progress('place', 'Place the finger.', { try: 1 })
      asked.done({})
    }
    const steps: unknown[] = []
    const patience = { cancel: new AbortController().signal, onProgress: (step: unknown) => void steps.push(step) }
    await ask(daemon.config, 'request', { reader: 'gate', kind: 'enroll', args: {} }, patience)
    assert.deepEqual(steps, [{ status: 'progress', step: 'place', text: 'Place the finger.', facts: { try: 1 } }])
  })

  it('that is given up is told to the driver, whose answer still comes', async () => {
    let under = false
    answer = ({ signal, fail }) => {
      under = true
      signal.addEventListener('abort', () => fail('Cancelled; nothing was stored.'))
    }
    const cancel = new AbortController()
    const patience = { cancel: cancel.signal, onProgress: () => undefined }
    const asked = ask(daemon.config, 'request', { reader: 'gate', kind: 'enroll', args: {} }, patience)
    await until(() => under)
    cancel.abort()
    await assert.rejects(asked, /Cancelled; nothing was stored/)
    assert.equal(
      daemon.records().some(({ type }) => type === 'enrolled'),
      false,
    )
  })

  it('ends when whoever asked is gone', async () => {
    let ended = false
    answer = ({ signal, fail }) => {
      signal.addEventListener('abort', () => {
        ended = true
        fail('gone')
      })
    }
    const socket = connect(controlSocket(daemon.config))
    socket.write('{"verb":"request","args":{"reader":"gate","kind":"enroll"}}\n')
    await until(() => socket.bytesWritten > 0)
    setTimeout(() => socket.destroy(), 50)
    await until(() => ended)
  })

  it('fails plainly when the reader goes away in the middle', async () => {
    let under = false
    answer = () => void (under = true)
    const asked = request('gate', 'enroll')
    await until(() => under)
    daemon.devices[0]?.unplug()
    await assert.rejects(asked, { message: 'the reader went away meanwhile', exitCode: 69 })
  })

  for (const [what, reader, kind, message] of [
    ['of a reader that is none', 'gaet', 'enroll', /no reader has the id "gaet"/],
    ['that its driver cannot', 'left', 'enroll', /driver mute cannot enrol anything/],
    ['to a bus instead of a point', 'bus', 'enroll', /"bus" is several readers/],
  ] as const) {
    it(`${what} is refused with what to do`, async () => assert.rejects(request(reader, kind), message))
  }

  it('of a kind that is none is refused', async () => {
    const wrong = { reader: 'gate', kind: 'explode' as 'enroll', args: {} }
    await assert.rejects(ask(daemon.config, 'request', wrong), /requests are enroll, remove, list, identify, set-key/)
  })
})

describe('a queue of requests', () => {
  it('gives them out in order, by turns of take and iteration, and ends with the run', async () => {
    const run = new AbortController()
    const queue = new RequestQueue(run.signal)
    const asked = (['enroll', 'remove', 'identify'] as const).map((kind) => queue.ask({ kind }))
    assert.equal(queue.take()?.kind, 'enroll')
    const seen: string[] = []
    const iterating = (async () => {
      for await (const { kind, done } of queue) {
        seen.push(kind)
        done()
      }
    })()
    await Promise.all(asked.slice(1))
    assert.deepEqual(seen, ['remove', 'identify'])
    const withdrawn = new AbortController()
    const given = queue.ask({ kind: 'list', signal: withdrawn.signal })
    withdrawn.abort()
    await assert.rejects(given, /given up before it began/)
    run.abort()
    await iterating
    queue.close()
    await assert.rejects(asked[0] ?? Promise.resolve(), /went away/)
    await assert.rejects(queue.ask({ kind: 'list' }), /went away/)
  })
})

describe('punchd enroll', () => {
  const folder = tempFolder()

  it('names what is wrong on the command line before it asks anybody', async () => {
    const config = writeConfig(folder.path)
    const { code, stderr } = await startVerb(['enroll', 'gate', '--slot', 'x', '--config', config]).ended
    assert.deepEqual([code, /"x" is no slot/.test(stderr)], [64, true])
  })

  it('says that no daemon runs', async () => {
    const config = writeConfig(folder.path)
    const { code, stderr } = await startVerb(['enroll', 'gate', '--config', config]).ended
    assert.deepEqual([code, /no daemon runs/.test(stderr)], [69, true])
  })
})
