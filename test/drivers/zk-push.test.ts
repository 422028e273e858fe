/** What is particular to terminals that push: who may, what is thanked for, whose clock is wrong. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { attendanceRow, doorEvent, linesOf, resultsIn } from '../../drivers/zk-push/codec.js'
import { driver } from '../../drivers/zk-push/index.js'
import { Lag } from '../../drivers/zk-push/lag.js'
import type { HttpReply, Point } from '../../src/driver.js'
import { MemoryHttp, type MemoryRequest } from '../../src/transport/memory-http.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

const SERIAL = 'CQZ7224460123'
const ROW = '1042\t2026-11-23 08:00:01\t0\t15\n'

type Config = Parameters<typeof driver.run>[0]['config']

function hall(options: Readonly<Record<string, string | boolean>> = {}): Point {
  const preset = { verifyCodes: 'new', pushPassword: '', countsTables: true, ...options }
  return { id: 'hall', name: 'Hall', match: { serial: SERIAL }, options: preset }
}

class Bench {
  readonly clock = new FakeClock()
  readonly stop = new AbortController()
  http = new MemoryHttp(this.clock, this.stop.signal)
  readonly session: RecordingSession<Config, 'http'>
  readonly done: Promise<void>

  constructor(
    config: Partial<Config> = {},
    points: readonly Point[] = [hall()],
    memory: readonly (readonly [string, string])[] = [],
  ) {
    this.session = new RecordingSession({
      config: { ...optionDefaults(driver.options), ...config },
      transport: this.http,
      clock: this.clock,
      signal: this.stop.signal,
      points,
      scheme: 'http',
    })
    memory.forEach(([key, value]) => this.session.memory.set(key, value))
    this.done = driver.run(this.session)
  }

  async send(method: string, url: string, body?: string, over: Partial<MemoryRequest> = {}): Promise<HttpReply> {
    await this.clock.settle()
    return this.http.send({ method, url, ...(body !== undefined && { body: Buffer.from(body, 'latin1') }), ...over })
  }
  get(path: string, query = ''): Promise<HttpReply> {
    return this.send('GET', `/iclock/${path}?SN=${SERIAL}${query}`)
  }
  post(path: string, query: string, body: string, over: Partial<MemoryRequest> = {}): Promise<HttpReply> {
    return this.send('POST', `/iclock/${path}?SN=${SERIAL}${query}`, body, over)
  }
  async end(): Promise<void> {
    this.stop.abort()
    await this.done
  }
}

describe('zk-push', () => {
  let bench: Bench
  const start = (...parts: ConstructorParameters<typeof Bench>): Bench => (bench = new Bench(...parts))
  afterEach(() => bench.end())

  describe('who may speak', () => {
    it('names an unknown terminal once, with the line that lets it in, and takes nothing from it (E17)', async () => {
      start()
      const tell = (): Promise<HttpReply> => bench.send('POST', '/iclock/cdata?SN=NEW0001&table=ATTLOG', ROW)
      assert.equal((await tell()).status, 403)
      assert.equal((await tell()).status, 403)
      assert.deepEqual(bench.session.sightings, [])
      const [event] = bench.session.events
      assert.equal(bench.session.events.length, 1)
      assert.equal(event?.type, 'terminal-unknown')
      assert.match(String(event.detail['config']), /- \{ id: terminal-new0001, match: \{ serial: "NEW0001" \} \}/)
      assert.equal(bench.session.log.lines.length, 1)
    })

    it('is bounded in what it tells: nobody fills the journal with invented numbers', async () => {
      start()
      for (let serial = 0; serial < 500; serial++) await bench.send('GET', `/iclock/cdata?SN=X${serial}&options=all`)
      assert.equal(bench.session.events.length, 64)
    })

    it('is asked by address (E17)', async () => {
      start({ allow: '192.168.1.0/24' })
      const from = (remote: string): Promise<HttpReply> => bench.post('cdata', '&table=ATTLOG', ROW, { remote })
      assert.equal((await from('10.0.0.9')).status, 403)
      assert.equal((await from('192.168.1.77')).body, 'OK:1')
      assert.equal(bench.session.sightings.length, 1)
      assert.match(String(bench.session.events[0]?.detail['config']), /add 10\.0\.0\.9 to options\.allow/)
    })

    it('says a list of addresses that is none', async () => {
      start({ allow: '192.168.1.0/33' })
      await assert.rejects(bench.done, /options\.allow: "192\.168\.1\.0\/33" is no address/)
      Object.assign(bench, { done: Promise.resolve() })
    })

    it('must know the key where there is one', async () => {
      start({}, [hall({ pushPassword: 'tell-nobody' })])
      assert.equal((await bench.get('cdata', '&options=all&pushcommkey=guess')).status, 403)
      assert.equal((await bench.get('cdata', '&options=all&pushcommkey=tell-nobody')).status, 200)
      assert.doesNotMatch(JSON.stringify([bench.session.log.lines, bench.session.events]), /tell-nobody/)
    })

    it('is nobody on other paths', async () => {
      start()
      assert.equal((await bench.send('GET', '/')).status, 404)
      assert.equal((await bench.send('GET', `/iclock/toString?SN=${SERIAL}`)).status, 404)
    })
  })

  describe('records', () => {
    it('are thanked for only when they are on disk (E18, E19)', async () => {
      start()
      bench.session.answer = 'refused'
      assert.equal((await bench.post('cdata', '&table=ATTLOG&Stamp=1', ROW)).status, 503)
      assert.equal(bench.session.memory.size, 0, 'a stamp of what is not stored')
      bench.session.answer = 'accepted'
      assert.equal((await bench.post('cdata', '&table=ATTLOG&Stamp=1', ROW)).body, 'OK:1')
      const [first, second] = bench.session.sightings
      assert.equal(first?.claim?.key, second?.claim?.key)
    })

    it('are not taken from a body that was cut: its last row may be another person’s', async () => {
      start()
      const cut = await bench.post('cdata', '&table=ATTLOG', ROW.slice(0, 20), { complete: false })
      assert.equal(cut.status, 400)
      assert.deepEqual([bench.session.sightings, bench.session.events], [[], []])
    })

    it('that nobody can read are kept once as they came, and thanked for', async () => {
      start()
      const body = `${ROW}77\t2026-02-31 25:00:00\t0\t1\nrubbish\n`
      for (let time = 0; time < 2; time++) assert.equal((await bench.post('cdata', '&table=ATTLOG', body)).body, 'OK:3')
      assert.deepEqual(
        bench.session.events.map(({ type, detail }) => [type, detail['row']]),
        [
          ['terminal-row-unread', '77\t2026-02-31 25:00:00\t0\t1'],
          ['terminal-row-unread', 'rubbish'],
        ],
      )
    })

    it('keep the time of the terminal in the zone it was told, or the one it tells', async () => {
      start()
      await bench.post('cdata', '&table=ATTLOG', `1\t2026-11-23 08:00:01\t0\t15\n2\t2026-11-23 08:00:01\t0\t1\t0\t0\t0\t0\t0\t0\t28800\n`) // prettier-ignore
      assert.deepEqual(
        bench.session.sightings.map(({ claim }) => new Date(claim?.wall ?? 0).toISOString()),
        ['2026-11-23T07:00:01.000Z', '2026-11-23T00:00:01.000Z'],
      )
    })

    it('say by what somebody was known, as the model numbers it', async () => {
      start({ users: 'site' }, [hall({ verifyCodes: 'old' })])
      await bench.post('cdata', '&table=ATTLOG', [0, 1, 2, 15].map((verify) => `${verify}\t2026-11-23 08:00:01\t0\t${verify}`).join('\n')) // prettier-ignore
      assert.deepEqual(
        bench.session.sightings.map(({ method }) => method),
        ['pin', 'fingerprint', 'card', 'face'],
      )
      assert.equal(bench.session.sightings[0]?.credential.scope, 'global')
    })

    it('of operations tell who tampered, once', async () => {
      start()
      const body = 'OPLOG 4\t1\t2026-11-23 08:00:00\t0\t0\t0\t0\nOPLOG 23\t1\t2026-11-23 08:00:00\t0\t0\t0\t0\nUSER PIN=1\tName=Berg\tPasswd=1234\n' // prettier-ignore
      for (let time = 0; time < 2; time++) await bench.post('cdata', '&table=OPERLOG&OpStamp=9', body)
      assert.deepEqual(
        bench.session.events.map(({ type, detail }) => [type, detail['what']]),
        [['terminal-operation', 'records-deleted']],
      )
      assert.doesNotMatch(JSON.stringify([bench.session.events, bench.session.log.lines]), /Berg|1234/)
    })

    it('are asked for where the last run ended', async () => {
      start()
      await bench.post('cdata', '&table=ATTLOG&Stamp=77', ROW)
      await bench.post('cdata', '&table=OPERLOG&OpStamp=9', 'OPLOG 4\t1\t2026-11-23 08:00:00\n')
      const kept = [...bench.session.memory]
      await bench.end()
      start({}, [hall()], kept)
      const { body } = await bench.get('cdata', '&options=all')
      assert.match(
        String(body),
        /^GET OPTION FROM: CQZ7224460123\nATTLOGStamp=77\nStamp=77\nOPERLOGStamp=9\nOpStamp=9\n/,
      )
      assert.match(String(body), /\nTimeZone=1\n/)
    })

    it('of access control are punches when somebody known went through', async () => {
      start()
      assert.equal((await bench.get('cdata', '&options=all&pushver=3.1.2&DeviceType=acc')).body, 'OK')
      const registered = await bench.post('registry', '', 'DeviceType=acc,~DeviceName=C3,FirmVer=1')
      assert.equal(Buffer.byteLength(String(registered.body)), 23)
      assert.match(String((await bench.get('push')).body), /TransTables=Transaction/)
      assert.match(String((await bench.get('rtdata', '&type=time')).body), /^DateTime=\d+,ServerTZ=\+0100$/)
      const event = (pin: number, code: number): string =>
        `time=2026-11-23 08:00:01\tpin=${pin}\tcardno=0\tevent=${code}\tinoutstatus=0\tverifytype=4\tindex=${pin}${code}`
      const body = [event(7, 0), event(0, 27), event(0, 8), event(9, 23)].join('\r\n')
      assert.equal((await bench.post('cdata', '&table=rtlog', body)).body, 'OK')
      assert.deepEqual(bench.session.values, ['7'])
      assert.deepEqual(
        bench.session.events.map(({ type, detail }) => [type, detail['event']]),
        [
          ['terminal-door', 27],
          ['terminal-door', 23],
        ],
      )
      assert.equal((await bench.post('cdata', '&table=tabledata&tablename=user&count=4', 'x')).body, 'user=4')
    })
  })

  describe('a terminal', () => {
    it('is up when it speaks, lost when it does not, and up again', async () => {
      start()
      await bench.get('getrequest', '&INFO=Ver 1.1,20')
      await bench.clock.advance(119_000)
      assert.deepEqual(bench.session.pointStates, [['hall', 'up']])
      await bench.clock.advance(2_000)
      await bench.get('getrequest')
      assert.deepEqual(
        bench.session.pointStates.map(([, state]) => (state === 'up' ? state : state.code)),
        ['up', 'point-silent', 'up'],
      )
    })

    it('is told to greet again when the clocks change', async () => {
      start()
      await bench.get('cdata', '&options=all')
      assert.equal((await bench.get('getrequest')).body, 'OK')
      Object.assign(bench.session.zone, { offsetMinutes: () => 120 })
      assert.equal((await bench.get('getrequest')).body, 'C:zone:RELOAD OPTIONS')
      assert.equal((await bench.get('getrequest')).body, 'OK')
      assert.match(String((await bench.get('cdata', '&options=all')).body), /\nTimeZone=2\n/)
    })

    it('that does not ask, or does not tell, ends a request with what to look at', async () => {
      start()
      const asked = bench.session.requests.ask({ kind: 'reboot', point: 'hall' })
      const failed = assert.rejects(asked, /did not ask for it/)
      await bench.clock.advance(182_000)
      await failed
      const other = bench.session.requests.ask({ kind: 'remove-user', point: 'hall', args: { user: '7' } })
      const silent = assert.rejects(other, /told no result/)
      await bench.clock.advance(1_000)
      assert.match(String((await bench.get('getrequest')).body), /^C:\w+:DATA DELETE USERINFO PIN=7$/)
      assert.equal((await bench.get('getrequest')).body, 'OK', 'once, until it is overdue')
      await bench.clock.advance(61_000)
      assert.match(String((await bench.get('getrequest')).body), /PIN=7$/)
      await bench.clock.advance(182_000)
      await silent
    })

    it('gets no tabs or line breaks in a name: they would be another command', async () => {
      start()
      const args = { user: '7', name: 'x\nC:9:REBOOT' }
      const failed = assert.rejects(bench.session.requests.ask({ kind: 'add-user', point: 'hall', args }), /at most 24/)
      await bench.clock.advance(1_000)
      await failed
    })
  })
})

describe('the clock of a push terminal', () => {
  const MINUTE = 60_000
  const polls = (lag: Lag, from: number, to: number): void => {
    for (let uptime = from; uptime <= to; uptime += 10_000) lag.heard(uptime)
  }

  it('is compared by what comes at once, not by what was kept', () => {
    const lag = new Lag()
    lag.heard(0)
    assert.deepEqual(lag.late({ isSynced: true, wall: 1_000, uptime: 1_000, rows: [-3_600_000] }), [true])
    assert.equal(lag.aheadMs, undefined)
    polls(lag, 0, MINUTE)
    assert.deepEqual(lag.late({ isSynced: true, wall: MINUTE, uptime: MINUTE, rows: [MINUTE + 179_000] }), [false])
    assert.equal(lag.aheadMs, 179_000)
    assert.deepEqual(lag.late({ isSynced: true, wall: MINUTE, uptime: MINUTE, rows: [MINUTE - 600_000] }), [true])
    assert.equal(lag.aheadMs, 179_000, 'an old row says nothing of the clock')
  })

  it('is compared with nothing while our own is not set', () => {
    const lag = new Lag()
    polls(lag, 0, MINUTE)
    assert.deepEqual(lag.late({ isSynced: false, wall: 0, uptime: MINUTE, rows: [1_767_618_000_000] }), [false])
    assert.deepEqual(lag.late({ isSynced: false, wall: 0, uptime: 10 * MINUTE, rows: [1_767_618_000_000] }), [true])
    assert.equal(lag.aheadMs, undefined)
  })

  it('may be set back: the second row that says so is believed', () => {
    const lag = new Lag(180_000)
    polls(lag, 0, MINUTE)
    lag.late({ isSynced: true, wall: MINUTE, uptime: MINUTE, rows: [MINUTE] })
    assert.equal(lag.aheadMs, 180_000)
    polls(lag, MINUTE, 2 * MINUTE)
    lag.late({ isSynced: true, wall: 2 * MINUTE, uptime: 2 * MINUTE, rows: [2 * MINUTE + 500] })
    assert.equal(lag.aheadMs, 500)
  })
})

describe('the codec of push terminals', () => {
  it('throws at nothing, and gives only what stands there', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => {
        const bytes = Buffer.from(text, 'latin1')
        resultsIn(bytes)
        for (const line of linesOf(bytes)) {
          doorEvent(line)
          const row = attendanceRow(line)
          if (row) assert.ok(line.includes(row.user) && line.includes(row.local))
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
