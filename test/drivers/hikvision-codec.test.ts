/** Bodies, streams, logins and times of Hikvision terminals, without a wire. */
import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { Client } from '../../drivers/hikvision/client.js'
import { boundaryOf, MOST_TEXT, PartDecoder } from '../../drivers/hikvision/codec.js'
import { codesOf } from '../../drivers/hikvision/codes.js'
import { pointFields } from '../../drivers/hikvision/config.js'
import { authorization, challengeIn, responseOf } from '../../drivers/hikvision/digest.js'
import { messageIn, pageIn } from '../../drivers/hikvision/event.js'
import { driver } from '../../drivers/hikvision/index.js'
import { Ledger } from '../../drivers/hikvision/ledger.js'
import { Schedule } from '../../drivers/hikvision/schedule.js'
import { instantOf, isoOf } from '../../drivers/hikvision/time.js'
import { isSame } from '../../drivers/hikvision/terminal.js'
import { xmlFields, xmlText } from '../../drivers/hikvision/xml.js'
import { eventBody, heartbeatBody, streamPart } from '../../simulators/hikvision-bodies.js'
import { DigestGate } from '../../simulators/hikvision-digest.js'
import { Hikvision } from '../../simulators/hikvision.js'
import type { LogEntry } from '../../simulators/hikvision-log.js'
import type { HttpTransport } from '../../src/driver.js'
import { siteZone } from '../../src/zone.js'
import { FakeClock } from '../support/fake-clock.js'
import { MemoryHttp, meaningOf } from '../support/hikvision.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

const ENTRY: LogEntry = {
  serialNo: 4711,
  major: 5,
  minor: 75,
  time: '2026-01-05T08:59:58+08:00',
  wall: 0,
  employee: '1001',
  name: 'Zhang "\\{" San',
  card: '',
  mode: 'face',
  status: 'checkIn',
}
const SENDER = { serial: 'K12345678', tellsSerial: true, shape: 'multipart' } as const
const zone = siteZone([[0, 60]])

describe('the bodies of Hikvision terminals', () => {
  it('count as soon as their JSON is whole, wherever they are cut', () => {
    const { bytes, type } = eventBody(SENDER, ENTRY, true)
    const from = bytes.indexOf('{')
    const to = bytes.indexOf('\n}\r\n--MIME_boundary') + 2
    assert.ok(from > 0 && to > from)
    for (let length = 0; length <= bytes.length; length++) {
      const { messages, bad } = meaningOf([bytes.subarray(0, length)], type)
      assert.equal(messages.length, length >= to ? 1 : 0, `cut at ${length} of ${bytes.length}`)
      assert.equal(bad, length > from && length < to ? 1 : 0, `cut at ${length}`)
    }
  })

  it('count as soon as their XML is whole', () => {
    const { bytes } = eventBody({ ...SENDER, shape: 'xml' }, ENTRY, true)
    const to = bytes.lastIndexOf('>') + 1
    for (let length = 0; length <= bytes.length; length++)
      assert.equal(meaningOf([bytes.subarray(0, length)]).messages.length, length >= to ? 1 : 0, `cut at ${length}`)
  })

  it('give nothing that was not sent, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 })), fc.boolean(), (pieces, isBare) => {
        const decoder = new PartDecoder(isBare ? undefined : 'b')
        for (const piece of pieces) for (const text of decoder.push(piece).texts) messageIn(text)
        assert.ok(decoder.held <= MOST_TEXT)
      }),
    )
    const endless = new PartDecoder()
    const piece = Buffer.alloc(50_000, '{"a":"')
    const bad = [1, 2, 3].reduce((sum) => sum + endless.push(piece).bad, 0)
    assert.equal(bad, 1)
    assert.ok(endless.held <= MOST_TEXT)
  })
})

describe('the alert stream', () => {
  const parts = (boundary: string, hasLength: boolean): Buffer =>
    Buffer.concat([
      streamPart(heartbeatBody({ ...SENDER, shape: 'xml' }, ENTRY.time), boundary, hasLength),
      streamPart(eventBody({ ...SENDER, shape: 'json' }, ENTRY, true), boundary, hasLength),
      streamPart(
        { type: 'image/jpeg', bytes: Buffer.from([0xff, 0xd8, 0x2d, 0x2d, 0x0d, 0x0a, 0x7b]) },
        boundary,
        false,
      ),
      streamPart(eventBody({ ...SENDER, shape: 'json' }, { ...ENTRY, serialNo: 4712 }, true), boundary, hasLength),
    ])
  const numbers = (pieces: readonly Uint8Array[], boundary: string | undefined): unknown[] => {
    const decoder = new PartDecoder(boundary)
    const texts = pieces.flatMap((piece) => decoder.push(piece).texts)
    return texts.map((text) => messageIn(text)?.record?.serialNo ?? messageIn(text)?.kind)
  }

  for (const header of [
    'multipart/mixed; boundary=x1',
    'multipart/mixed;boundary="x1"; charset=a',
    'a; boundary=--x1',
  ]) {
    it(`is split at every byte: ${header}`, () => {
      for (const hasLength of [true, false]) {
        const bytes = parts('x1', hasLength)
        for (let at = 0; at <= bytes.length; at++) {
          const pieces = [bytes.subarray(0, at), bytes.subarray(at)]
          assert.deepEqual(numbers(pieces, boundaryOf(header)), ['beat', 4711, 4712], `split at ${at}`)
        }
        const single = Array.from(bytes, (byte) => Uint8Array.of(byte))
        assert.deepEqual(numbers(single, boundaryOf(header)), ['beat', 4711, 4712])
      }
    })
  }

  it('is believed in its boundaries, not in its lengths', () => {
    const text = parts('x1', true).toString('latin1')
    for (const wrong of ['1', '99999', '-5', 'x']) {
      const bytes = Buffer.from(text.replace(/Content-Length: \d+/g, `Content-Length: ${wrong}`), 'latin1')
      assert.deepEqual(numbers([bytes], 'x1'), ['beat', 4711, 4712], wrong)
    }
  })

  it('is opened again after a minute of silence, later and later, and the log is asked each time', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const { signal } = stop
    const transport = new MemoryHttp(clock, signal)
    const twin = new Hikvision({ clock, signal, post: transport.post })
    transport.terminals.set('10.0.0.1', twin)
    const options = {
      ...optionDefaults(pointFields.options),
      url: 'http://10.0.0.1',
      password: 'Secret-12',
      stream: true,
    }
    const points = [{ id: 'gate', name: 'gate', match: { serial: twin.serial }, options }]
    const config = optionDefaults<typeof driver.options>(driver.options) as never
    const session = new RecordingSession<never, 'http'>({ config, transport, clock, signal, points, scheme: 'http' })
    const done = driver.run(session)
    const streams = (): number => twin.asked.filter((line) => line.includes('alertStream')).length
    await clock.advance(5_000)
    assert.equal(streams(), 1)
    twin.punch({ employee: '1' })
    await clock.advance(600_000)
    assert.equal(streams(), 1, 'heartbeats keep it')
    assert.deepEqual(session.values, ['1'])
    const pages = twin.log.pages
    twin.isMute = true
    await clock.advance(70_000)
    assert.equal(streams(), 2)
    assert.ok(twin.log.pages > pages, 'the log is asked')
    await clock.advance(3_600_000)
    assert.ok(streams() > 25 && streams() < 40, `${streams()} times in an hour`)
    twin.punch({ employee: '2' })
    await clock.advance(130_000)
    assert.deepEqual(session.values, ['1', '2'])
    stop.abort()
    await done
  })
})

describe('when a terminal is looked after', () => {
  it('gaps that are none cost less and less, real ones are seen to at once', async () => {
    const clock = new FakeClock()
    const schedule = new Schedule(clock, 300_000, true)
    assert.equal(schedule.due(), 'visit')
    const visits: number[] = []
    const pass = async (seconds: number, found: number): Promise<number> => {
      visits.length = 0
      for (let second = 0; second < seconds; second++) {
        schedule.gap()
        const due = schedule.due()
        if (due !== 'nothing') {
          visits.push(second)
          schedule.visiting()
          schedule.visited(due === 'visit', found, true)
        }
        await clock.advance(1_000)
      }
      return visits.length
    }
    const idle = await pass(600, 0)
    assert.ok(idle >= 8 && idle <= 13, `${idle} questions in ten minutes`)
    assert.ok((await pass(600, 1)) > 200)
  })
})

describe('the ledger of a terminal', () => {
  it('sees gaps, old records and new beginnings, and survives a restart', async () => {
    const clock = new FakeClock()
    const { signal } = new AbortController()
    const config = optionDefaults<typeof driver.options>(driver.options) as never
    const transport = new MemoryHttp(clock, signal)
    const session = new RecordingSession<never, 'http'>({ config, transport, clock, signal })
    const ledger = new Ledger(session, 'K1')
    assert.equal(ledger.note(5, 1_000), 'gap', 'nothing is known yet')
    ledger.complete({ serialNo: 5, wall: 1_000 })
    assert.equal(ledger.note(6, 2_000), 'whole')
    assert.equal(ledger.note(8, 3_000), 'gap')
    assert.deepEqual([ledger.cursor, ledger.highest], [{ serialNo: 6, wall: 2_000 }, 8])
    assert.equal(ledger.note(3, 1_500), 'whole', 'an old one')
    ledger.complete({ serialNo: 8, wall: 3_000 })
    await ledger.save('sometimes')
    assert.equal(ledger.note(1, 90_000), 'gap', 'it counts from the beginning again')
    assert.deepEqual([ledger.cursor, ledger.highest], [{ wall: 3_000 }, 1])
    const next = new Ledger(session, 'K1')
    await next.load()
    assert.deepEqual([next.cursor, next.highest], [{ serialNo: 8, wall: 3_000 }, 8])
    session.memory.set('cursor K1', 'rubbish')
    const fresh = new Ledger(session, 'K1')
    await fresh.load()
    assert.equal(fresh.cursor, undefined)
  })
})

describe('the digest login', () => {
  const challenge = { realm: 'testrealm@host.com', nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093', opaque: '5ccc', algorithm: 'MD5', hasQop: true, isStale: false } as const // prettier-ignore
  const login = { method: 'GET', uri: '/dir/index.html', username: 'Mufasa', password: 'Circle Of Life', challenge, count: 1, cnonce: '0a4f113b' } as const // prettier-ignore

  it('answers the challenge of the fact sheet [FACE D]', () => {
    assert.equal(responseOf(login), '6629fae49393a05397450978507c4ef1')
    assert.equal(
      authorization({ ...login, username: 'Mu"fa\\sa' }).replace(/response="\w+"/, 'R'),
      'Digest username="Mu\\"fa\\\\sa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", algorithm=MD5, R, opaque="5ccc", qop=auth, nc=00000001, cnonce="0a4f113b"',
    )
  })

  it('answers those of RFC 7616, both', () => {
    const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
    const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v'
    const of = (algorithm: 'MD5' | 'SHA-256'): string =>
      responseOf({ ...login, password: 'Circle of Life', cnonce, challenge: { ...challenge, realm: 'http-auth@example.org', nonce, algorithm } }) // prettier-ignore
    assert.equal(of('MD5'), '8ca523f5e9506fed4657c9700eebdbec')
    assert.equal(of('SHA-256'), '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1')
  })

  it('reads challenges', () => {
    const header =
      'Basic realm="a, b", Digest realm="x", nonce="n1", qop="auth-int,auth", algorithm=SHA-256, Digest realm="DS, \\"1\\"", qop="auth", nonce="n2", stale="TRUE"'
    assert.deepEqual(challengeIn(header), { realm: 'DS, "1"', nonce: 'n2', opaque: undefined, algorithm: 'MD5', hasQop: true, isStale: true }) // prettier-ignore
    assert.equal(challengeIn('Digest realm="x", nonce="n", qop="auth-int"'), undefined)
    assert.equal(challengeIn('Basic realm="Digest nonce=1"'), undefined)
    assert.equal(challengeIn('Digest realm=x, nonce=n')?.hasQop, false)
  })

  it('asks one question after the other, that the counts of a nonce rise', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const memory = new MemoryHttp(clock, stop.signal)
    memory.terminals.set('10.0.0.1', new Hikvision({ clock, signal: stop.signal, post: memory.post }))
    let under = 0
    let most = 0
    const ask: HttpTransport['ask'] = async (question) => {
      most = Math.max(most, ++under)
      // The first takes longest: the others would overtake it.
      await clock.sleep(most === 1 ? 500 : 10)
      under -= 1
      return memory.ask(question)
    }
    const transport: HttpTransport = { url: memory.url, serve: (answer) => memory.serve(answer), ask }
    const config = optionDefaults<typeof driver.options>(driver.options) as never
    const session = new RecordingSession<never, 'http'>({ config, transport, clock, signal: stop.signal })
    const options = { ...optionDefaults(pointFields.options), url: 'http://10.0.0.1', password: 'Secret-12' }
    const client = new Client(session, options, stop.signal)
    const paths = Array.from({ length: 4 }, () => client.ask({ method: 'GET', path: '/ISAPI/System/deviceInfo' }))
    await clock.advance(5_000)
    for (const answer of await Promise.all(paths)) assert.match(answer.text, /K12345678/)
    assert.equal(most, 1)
    stop.abort()
  })

  it('is refused by the twin after five wrong ones, right or not', () => {
    const clock = new FakeClock()
    const gate = new DigestGate({ clock, username: 'admin', password: 'right' })
    const header = (password: string): string => {
      const offered = challengeIn(gate.check('GET', '/a', undefined)?.challenge ?? '')
      assert.ok(offered)
      return authorization({ method: 'GET', uri: '/a', username: 'admin', password, challenge: offered, count: 1, cnonce: 'c' }) // prettier-ignore
    }
    const right = header('right')
    assert.equal(gate.check('GET', '/a', right), undefined)
    assert.match(gate.check('GET', '/a', right)?.challenge ?? '', /stale="TRUE"/, 'a count that does not rise')
    for (let time = 0; time < 5; time++) assert.ok(gate.check('GET', '/a', header('wrong')))
    assert.match(
      gate.check('GET', '/a', header('right'))?.body ?? '',
      /<lockStatus>lock<\/lockStatus><unlockTime>1800</,
    )
  })
})

describe('what Hikvision terminals write', () => {
  it('XML of any namespace, escaped, broken', () => {
    assert.deepEqual(xmlFields('<?xml?><!-- x --><a:B c="1"><d>1 &lt; 2 &amp;lt;</d><d>2</d><e/><f></f></a:B>'), {
      B: { d: '1 < 2 &lt;', e: '', f: '' },
    })
    for (const text of ['<a', '<a><b>', '</a></b>', '<a></b></b></b>', '<>', '<__proto__>1</__proto__>'])
      assert.ok(xmlFields(text), text)
    fc.assert(fc.property(fc.string(), (text) => void xmlFields(`<a>${text}`)))
    const deep = '<a>'.repeat(20_000)
    assert.ok(xmlFields(deep))
    assert.equal(xmlText('a<b>&"\''), 'a&lt;b&gt;&amp;&quot;&apos;')
  })

  it('times with and without an offset', () => {
    const at = Date.parse('2026-01-05T00:59:58Z')
    const read = (text: string, posix = ''): number | undefined => instantOf(text, zone, posix)
    assert.equal(read('2026-01-05T08:59:58+08:00'), at)
    assert.equal(read('2026-01-05T08:59:58.123+0800'), at)
    assert.equal(read('2026-01-04T21:29:58-03:30'), at)
    assert.equal(read('2026-01-05T00:59:58Z'), at)
    assert.equal(read('2026-01-05 01:59:58'), at, 'of the site, an hour east')
    assert.equal(read('2026-01-05T08:59:58', 'CST-8:00:00'), at)
    assert.equal(read('2026-01-04T21:29:58', 'NST+3:30'), at)
    assert.equal(read('2026-01-05T01:59:58', 'CET-1:00:00DST01:00:00,M3.5.0/02:00:00,M10.5.0/03:00:00'), at)
    for (const wrong of ['', 'now', '2026-02-31T00:00:00Z', '2026-01-05T25:00:00Z', '2026-01-05'])
      assert.equal(read(wrong), undefined, wrong)
    assert.equal(isoOf(at, 480), '2026-01-05T08:59:58+08:00')
    assert.equal(isoOf(at, -210), '2026-01-04T21:29:58-03:30')
  })

  it('pages of their log', () => {
    assert.deepEqual(pageIn('{"AcsEvent":{"responseStatusStrg":"NO MATCH","numOfMatches":0,"totalMatches":0}}'), {
      status: 'NO MATCH',
      matches: 0,
      records: [],
    })
    assert.equal(pageIn('{"statusCode":6}'), undefined)
    assert.equal(pageIn('not JSON'), undefined)
    assert.equal(
      pageIn('{"AcsEvent":{"InfoList":[1,{"major":5},{"major":5,"minor":1,"serialNo":3}]}}')?.records.length,
      1,
    )
  })

  it('their serial number, whole or its end', () => {
    assert.ok(isSame('DS-K1T671M20200101V030000ENK12345678', 'k12345678'))
    assert.ok(isSame('K1', 'K1'))
    assert.ok(!isSame('DS-K1T671MENK12345678', '678'))
    assert.ok(!isSame('', 'K12345678'))
  })

  it('success numbers in any form, and words for those that are none', () => {
    for (const wrong of ['0x', '75:nose', '-1', 'face']) assert.ok('problem' in codesOf(wrong), wrong)
    assert.ok(!('problem' in codesOf('75, 0x26:pin\n181')))
  })
})
