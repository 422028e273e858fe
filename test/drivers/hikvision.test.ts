/** The Hikvision driver before simulated terminals, over real sockets. */
import { strict as assert } from 'node:assert'
import { connect } from 'node:net'
import type { Shape } from '../../simulators/hikvision-bodies.js'
import { PASSWORD, point, SECRET, Stand, type DriverRun } from '../support/hikvision-stand.js'
import { until } from '../support/until.js'

const values = ({ session }: DriverRun): string[] => session.values
const keys = ({ session }: DriverRun): (string | undefined)[] => session.sightings.map(({ claim }) => claim?.key)
const post = (url: string, body: string, type = 'application/json'): Promise<Response> =>
  fetch(url, { method: 'POST', body, headers: { 'Content-Type': type } })

/** Only a gap makes it ask then. */
const DAY_MS = 86_400_000

describe('hikvision over real sockets', function () {
  this.timeout(60_000)
  let stand: Stand
  beforeEach(async () => {
    stand = await Stand.open()
  })
  afterEach(() => stand.close())

  /** One terminal that is asked and told to push; the driver has set it up. */
  async function ready(options: Parameters<Stand['terminal']>[0] = {}, config: Parameters<Stand['run']>[1] = {}) {
    const { twin, url } = await stand.terminal(options)
    const run = await stand.run([point('gate', twin.serial, { url, password: PASSWORD })], config)
    await until(() => twin.listener !== undefined && run.session.pointStates.length > 0, 5_000, 'the listener is set')
    // The first question for its log is part of the start.
    await until(() => twin.log.pages > 0, 5_000, 'the first look at the log')
    return { twin, run, url }
  }

  it('sets a terminal up, and reports a punch once, with what the terminal claims', async () => {
    const { twin, run } = await ready()
    assert.deepEqual(run.session.pointStates, [['gate', 'up']])
    assert.equal(twin.listener, `${stand.url}/hik/${SECRET}/K12345678`)
    const entry = twin.punch({ employee: 'E-1001', name: 'Zhang San' })
    await until(() => twin.waiting === 0)
    assert.equal(run.session.sightings.length, 1)
    const { arrived, ...sighting } = run.session.sightings[0]!
    assert.ok(Math.abs(arrived.wall - Date.now()) < 5_000)
    const { claim, ...rest } = sighting
    assert.deepEqual(rest, {
      credential: { type: 'user', value: 'E-1001', scope: 'gate' },
      method: 'face',
      point: 'gate',
      raw: { minor: 0x4b, serialNo: 1, mode: 'cardOrFace', status: 'checkIn' },
    })
    const second = Math.floor(entry.wall / 1_000) * 1_000
    assert.equal(claim?.wall, second)
    assert.equal(claim.key, `${new Date(second).toISOString().slice(0, 19)}Z|1`)
    assert.equal(claim.late, false)
    assert.ok(Math.abs(claim.aheadMs ?? Infinity) < 2_000)
  })

  for (const shape of ['json', 'multipart', 'xml'] as const satisfies readonly Shape[]) {
    it(`takes ${shape}, repeated and not told who it is from`, async () => {
      const { twin, run } = await ready({ shape, tellsSerial: false })
      twin.repeats = true
      for (const employee of ['7', '8', '9']) twin.punch({ employee, name: '<"}--MIME_boundary' })
      await until(() => twin.waiting === 0)
      assert.deepEqual(values(run), ['7', '8', '9'])
      assert.equal(run.session.counters.badFrames, 0)
    })
  }

  it('says 200 only for what is on disk: what was refused comes again (E19)', async () => {
    const { twin, run } = await ready()
    let refusals = 2
    run.session.answer = () => (refusals-- > 0 ? 'refused' : 'accepted')
    twin.punch({ employee: '1' })
    await until(() => twin.waiting === 0)
    assert.deepEqual(values(run), ['1', '1', '1'])
    assert.equal(new Set(keys(run)).size, 1)
  })

  it('takes only success numbers of major 5 for punches, and tells alarms', async () => {
    const { twin, run } = await ready()
    twin.punch({ employee: '5', major: 2, minor: 0x26, unlocks: false })
    twin.punch({ employee: '6', minor: 0x4c, unlocks: false })
    twin.punch({ minor: 0x1b, unlocks: false })
    twin.punch({ major: 1, minor: 0x404, unlocks: false })
    twin.punch({ employee: '7777777', minor: 0x01, card: '04A1B2C3', cardType: 5 })
    twin.punch({ card: '04a1b2c3d4e5f6', minor: 0x01 })
    twin.punch({ card: '123', minor: 0x01 })
    twin.punch({ employee: '8', minor: 0x7ff, unlocks: false })
    twin.punch({ employee: '8', minor: 0x7ff, unlocks: false })
    await until(() => twin.waiting === 0)
    assert.deepEqual(
      run.session.sightings.map(({ credential, method }) => [credential.type, credential.value, method]),
      [
        ['user', '7777777', 'card'],
        ['card', '04A1B2C3D4E5F6', 'card'],
        ['user', '123', 'card'],
      ],
    )
    assert.deepEqual(run.session.events.map(({ type, point: at }) => `${type} ${at}`).sort(), [
      'code-unlisted gate',
      'door-forced gate',
      'duress gate',
      'tamper gate',
    ])
    assert.equal(run.session.events.find(({ type }) => type === 'duress')?.detail['person'], '…7777')
  })

  it('takes the numbers that successCodes names, and scope site', async () => {
    const { twin, run } = await ready({}, { successCodes: '0x7ff:fingerprint 75', users: 'site' })
    for (const minor of [0x7ff, 75, 0x26]) twin.punch({ employee: String(minor), minor })
    await until(() => twin.waiting === 0)
    assert.deepEqual(
      run.session.sightings.map(({ method, credential }) => [method, credential.scope]),
      [
        ['fingerprint', 'global'],
        ['face', 'global'],
      ],
    )
  })

  for (const knowsSerials of [true, false]) {
    it(`fetches what did not come, ${knowsSerials ? 'by number' : 'by time'}, while people go on coming`, async () => {
      const { twin, url } = await stand.terminal()
      twin.log.knowsSerials = knowsSerials
      twin.log.mostResults = 17
      if (!knowsSerials) twin.log.noMatch = 'NO MATCHES'
      const run = await stand.run([point('gate', twin.serial, { url, password: PASSWORD })], { poll: DAY_MS })
      await until(() => twin.listener !== undefined && twin.log.pages > 0)
      twin.punch({ employee: 'first' })
      await until(() => values(run).length === 1)
      twin.loseNext = 140
      for (let number = 0; number < 70; number++) twin.punch({ employee: `lost-${number}` })
      let more = 3
      twin.log.onPage = () => {
        if (more-- > 0) twin.punch({ employee: `paging-${more}` })
      }
      twin.punch({ employee: 'last' })
      await until(() => new Set(values(run)).size === 75, 10_000, '75 people')
      assert.equal(new Set(keys(run)).size, 75)
      const late = run.session.sightings.filter(({ claim }) => claim?.late === true)
      assert.ok(late.length >= 70, `${late.length} late`)
      // Nothing is reported that was stored: the log is read again, and says so.
      const reported = run.session.sightings.length
      await until(() => run.session.memory.get('cursor K12345678')?.endsWith(` ${twin.serialNo}`) === true)
      assert.ok(reported <= 75 + 3, `${reported} reports`)
    })
  }

  it('goes on where it was after a restart', async () => {
    const { twin, run, url } = await ready()
    twin.punch({ employee: 'before' })
    await until(() => run.session.memory.get('cursor K12345678')?.endsWith(' 2') === true)
    await run.stop()
    twin.listener = undefined
    for (let number = 0; number < 5; number++) twin.punch({ employee: `meanwhile-${number}` })
    const again = await stand.run([point('gate', twin.serial, { url, password: PASSWORD })])
    await until(() => values(again).includes('meanwhile-4'))
    // Some are read again; the journal knows their keys.
    const known = new Set(keys(run))
    const fresh = again.session.sightings.filter(({ claim }) => !known.has(claim?.key))
    assert.deepEqual(fresh.map(({ credential }) => credential.value), [0, 1, 2, 3, 4].map((number) => `meanwhile-${number}`)) // prettier-ignore
    assert.ok(again.session.sightings.length <= 6)
  })

  for (const knowsSerials of [true, false]) {
    it(`finds a record that enters the log late, ${knowsSerials ? 'by number' : 'by time'}`, async () => {
      const { twin, url } = await stand.terminal()
      twin.log.knowsSerials = knowsSerials
      const run = await stand.run([point('gate', twin.serial, { url, password: PASSWORD })])
      await until(() => twin.listener !== undefined && twin.log.pages > 0)
      twin.loseNext = 1
      // Longer ago than what is read again by time.
      twin.aheadMs = knowsSerials ? -600_000 : -120_000
      const slow = twin.punch({ employee: 'slow', unlocks: false })
      twin.aheadMs = 0
      const { entries } = twin.log
      entries.splice(entries.indexOf(slow), 1)
      twin.punch({ employee: 'fast' })
      await until(() => run.session.memory.get('cursor K12345678')?.endsWith(' 3') === true)
      entries.unshift(slow)
      await until(() => values(run).includes('slow'), 20_000, 'the next poll')
    })
  }

  it('takes a backlog, marked late, each record once', async () => {
    const { twin, run } = await ready()
    twin.listener = undefined
    twin.aheadMs = -3_600_000
    for (let number = 0; number < 50; number++) twin.punch({ employee: String(number) })
    twin.aheadMs = 0
    twin.listener = `${stand.url}/hik/${SECRET}`
    twin.pushBacklog()
    await until(() => twin.waiting === 0)
    assert.equal(new Set(keys(run)).size, 50)
    assert.ok(run.session.sightings.every(({ claim }) => claim?.late === true))
  })

  for (const isPushed of [true, false]) {
    it(`knows a terminal that counts from the beginning again${isPushed ? '' : ', without pushes'}`, async () => {
      const { twin, run } = await ready()
      for (let number = 0; number < 20; number++) twin.punch({ employee: `old-${number}` })
      await until(() => run.session.memory.get('cursor K12345678')?.endsWith(' 40') === true)
      twin.resetFactory()
      twin.aheadMs = 600_000
      if (isPushed) twin.listener = `${stand.url}/hik/${SECRET}`
      else twin.isMute = true
      twin.loseNext = 2
      twin.punch({ employee: 'lost' })
      twin.punch({ employee: 'new' })
      await until(() => values(run).includes('lost') && values(run).includes('new'), 20_000, 'both')
      assert.equal(new Set(keys(run)).size, 22)
      await until(() => run.session.memory.get('cursor K12345678')?.endsWith(' 4') === true)
    })
  }

  it('sets the listener again when a terminal is silent, and when it was away', async () => {
    const { twin, run } = await ready()
    const sets = (): number => twin.asked.filter((line) => line.startsWith('PUT')).length
    assert.equal(sets(), 1)
    twin.reboot()
    twin.punch({ employee: 'unheard' })
    await until(() => twin.listener !== undefined, 10_000, 'set again after 90 s')
    await until(() => values(run).includes('unheard'), 10_000, 'and what it kept was fetched')
    twin.isDead = true
    await until(() => run.session.pointStates.length === 2, 20_000, 'lost')
    assert.match(JSON.stringify(run.session.pointStates[1]), /point-silent.*comes back by itself/)
    twin.reboot()
    twin.isDead = false
    await until(() => twin.listener !== undefined && run.session.pointStates.length === 3, 20_000, 'back')
    assert.deepEqual(run.session.pointStates[2], ['gate', 'up'])
  })

  it('says so when a terminal does not reach the listener', async () => {
    const { twin, run } = await ready()
    twin.isMute = true
    await until(() => run.session.events.some(({ type }) => type === 'push-missing'), 20_000, 'told')
    twin.punch({ employee: 'polled' })
    await until(() => values(run).includes('polled'), 20_000, 'the poll finds it')
  })

  it('tries a wrong password once', async () => {
    await stand.close()
    stand = await Stand.open(1_000)
    const { twin, url } = await stand.terminal()
    const run = await stand.run([point('gate', twin.serial, { url, password: 'wrong', stream: true })])
    await until(() => run.session.pointStates.length > 0)
    const [, trouble] = run.session.pointStates[0]!
    assert.ok(typeof trouble === 'object' && trouble.code === 'device-refused' && /password/.test(trouble.hint ?? ''))
    const { clock } = stand
    const begun = clock.uptime()
    await until(() => clock.uptime() - begun > 1_000_000, 20_000, 'three polls')
    assert.equal(twin.gate.wrong, 1)
    assert.ok(!JSON.stringify(run.session.log.lines).includes('wrong'))
  })

  it('goes on with a terminal that knows nothing but pushing', async () => {
    const { twin, url } = await stand.terminal({ listener: `${stand.url}/hik/${SECRET}` })
    twin.refuses = /time|AcsEvent|httpHosts/
    const run = await stand.run([point('gate', twin.serial, { url, password: PASSWORD })])
    await until(() => run.session.events.length === 3)
    for (let number = 0; number < 5; number++) twin.punch({ employee: String(number) })
    await until(() => twin.waiting === 0)
    const { clock } = stand
    const begun = clock.uptime()
    await until(() => clock.uptime() - begun > 400_000, 20_000, 'another poll')
    assert.deepEqual(run.session.pointStates, [['gate', 'up']])
    assert.deepEqual(run.session.events.map(({ detail }) => `${detail['what']}: ${detail['reason']}`), ['clock: GET /ISAPI/System/time: notSupport', 'listener: PUT /ISAPI/Event/notification/httpHosts/1: notSupport', 'history: POST /ISAPI/AccessControl/AcsEvent: notSupport']) // prettier-ignore
    assert.equal(values(run).length, 5)
  })

  it('keeps its nonce, and takes a new one when it is stale', async () => {
    const { twin, run } = await ready({ nonceUses: 3 })
    const begun = twin.asked.length
    for (let number = 0; number < 4; number++) {
      twin.loseNext = 2
      twin.punch({ employee: `lost-${number}` })
      twin.punch({ employee: `come-${number}` })
      await until(() => values(run).includes(`lost-${number}`))
    }
    assert.ok(twin.asked.length > begun)
    assert.equal(twin.gate.wrong, 0)
    assert.equal(twin.gate.challenges, 1, 'asked without a login once')
  })

  it('reads the alert stream of a terminal that cannot push', async () => {
    const { twin, url } = await stand.terminal()
    twin.quotesBoundary = true
    twin.partsHaveLength = false
    twin.boundary = 'MIME_x'
    const run = await stand.run([point('gate', twin.serial, { url, password: PASSWORD, stream: true })], {
      callback: '',
    })
    await until(() => twin.streams === 1)
    twin.punch({ employee: 'live' })
    await until(() => values(run).includes('live'))
    assert.equal(run.session.sightings[0]?.claim?.late, false)
    twin.breakStreams()
    twin.punch({ employee: 'unheard' })
    await until(() => values(run).includes('unheard'))
    assert.equal(run.session.sightings.at(-1)?.claim?.late, true)
    await until(() => twin.streams === 1)
    twin.punch({ employee: 'again' })
    await until(() => values(run).includes('again'))
    assert.equal(twin.listener, undefined)
  })

  it('names unknown terminals once, and turns away whoever has no business here', async () => {
    const { run } = await ready({}, { allow: '127.0.0.0/8' })
    const { twin } = await stand.terminal({ serial: 'Z99999999', listener: `${stand.url}/hik/${SECRET}` })
    twin.punch({ employee: 'stranger' })
    await until(() => run.session.events.length > 0)
    await twin.beat()
    assert.deepEqual(run.session.events.map(({ type, detail }) => [type, detail]), [
      ['terminal-unknown', { serial: 'Z99999999', address: '127.0.0.1', config: '- { id: terminal-z99999999, match: { serial: Z99999999 } }' }],
    ]) // prettier-ignore
    assert.equal(twin.waiting, 2)
    assert.equal((await post(`${stand.url}/hik/guess`, '{}')).status, 403)
    assert.equal((await fetch(`${stand.url}/hik/${SECRET}`)).status, 405)
    assert.deepEqual(values(run), [])
  })

  it('turns away addresses that are not allowed', async () => {
    const run = await stand.run([point('gate', 'K12345678')], { allow: '10.0.0.0/8' })
    assert.equal((await post(`${stand.url}/hik/${SECRET}`, '{"eventType":"heartBeat"}')).status, 403)
    assert.match(JSON.stringify(run.session.log.lines), /not in allow/)
  })

  it('asks three times for a body that it cannot read, and then for the log', async () => {
    const { twin, run } = await ready({}, { poll: DAY_MS })
    let spoilt = 0
    twin.spoil = (bytes) => (bytes.includes('unread') ? (spoilt++, bytes.subarray(0, 120)) : bytes)
    twin.punch({ employee: 'unread', unlocks: false })
    await until(() => values(run).includes('unread') && twin.waiting === 0)
    assert.equal(spoilt, 3)
    assert.equal(run.session.counters.badFrames, 3)
  })

  it('takes an event whose connection broke behind it', async () => {
    const run = await stand.run([point('gate', 'K12345678')], { pathSecret: '', callback: '' })
    const json = '{"eventType":"AccessControllerEvent","dateTime":"2026-01-05T08:59:58+08:00","shortSerialNumber":"K12345678","AccessControllerEvent":{"majorEventType":5,"subEventType":75,"employeeNoString":"1","serialNo":3}}' // prettier-ignore
    const body = `--b\r\nContent-Type: application/json\r\n\r\n${json}\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n\xff`
    const socket = connect(stand.port, '127.0.0.1')
    await new Promise((sent) => socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000\r\n\r\n${body}`, sent)) // prettier-ignore
    socket.destroy()
    await until(() => values(run).length === 1)
    assert.deepEqual(run.session.pointStates, [['gate', 'up']])
  })

  it('loses a terminal that only pushes when its heartbeats end', async () => {
    const { twin } = await stand.terminal({ listener: `${stand.url}/hik/${SECRET}` })
    twin.aheadMs = 120_000
    const run = await stand.run([point('gate', twin.serial)], { callback: '' })
    await until(() => run.session.pointStates.length === 1)
    twin.punch({ employee: '1' })
    await until(() => values(run).length === 1)
    const { claim } = run.session.sightings[0]!
    assert.ok(Math.abs((claim?.aheadMs ?? 0) - 120_000) < 5_000 && claim?.late === false)
    twin.isMute = true
    await until(() => run.session.pointStates.length === 2, 10_000, 'lost')
    twin.isMute = false
    await until(() => run.session.pointStates.length === 3, 10_000, 'back')
  })

  it('measures the clock of a terminal that is wrong, and does not call its records late (C09)', async () => {
    const { twin, run } = await ready({ offsetMinutes: -210 })
    twin.aheadMs = -7_200_000
    await until(() => (run.session.figures['clockAheadMs'] ?? 0) < -7_190_000, 20_000, 'compared at the next poll')
    // One of them may come out of the log that was just being read.
    for (const employee of ['1', '2', '3']) {
      twin.punch({ employee })
      await until(() => values(run).includes(employee))
    }
    assert.ok(run.session.sightings.some(({ claim }) => claim?.late === false))
  })

  it('keeps no names, and no whole numbers in its log', async () => {
    const { twin, run } = await ready({ shape: 'xml' })
    twin.loseNext = 2
    twin.punch({ employee: '10010010', name: 'Zhang San' })
    twin.punch({ employee: '20020020', name: 'Zhang San', minor: 0x7fe })
    twin.punch({ employee: '30030030', name: 'Zhang San' })
    await until(() => values(run).length === 2)
    const told = JSON.stringify([run.session.log.lines, run.session.events, [...run.session.memory]])
    assert.doesNotMatch(told + JSON.stringify(run.session.sightings), /Zhang/)
    assert.doesNotMatch(told, /0010010|0020020|0030030|Secret|f00dcafe/)
  })
})
