/** Signed codes: what is taken, what is refused and why. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Moment } from '../../src/driver.js'
import { Judge } from '../../drivers/qr/judge.js'
import { Keys } from '../../drivers/qr/keys.js'
import { parseToken } from '../../drivers/qr/token.js'
import { Phone, publicKeyOf, signedCode, type CodeFacts } from '../../simulators/phone.js'
import { issueCode } from '../../src/qr/issue.js'
import { readKey } from '../../src/qr/keys.js'
import { bytesOf, readVectors } from '../conformance/files.js'
import { FakeClock } from '../support/fake-clock.js'

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index)
const SECRET = Buffer.from(KEY).toString('base64')
const PUBLIC = Buffer.from(publicKeyOf(KEY)).toString('base64')
/** PKCS #8 of the same seed. */
const PEM = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(`302e020100300506032b657004220420${Buffer.from(KEY).toString('hex')}`, 'hex').toString('base64')}\n-----END PRIVATE KEY-----\n` // prettier-ignore
const LIMITS = { clockSkew: 5_000, maxLifetime: 300_000 }
const START_UPTIME = 100_000
/** An hour after the start of the run. */
const NOW: Moment = {
  wall: 1_795_417_200_000,
  uptime: START_UPTIME + 3_600_000,
  boot: 'b',
  state: 'synced',
  errorMs: 20,
}
const NOW_S = NOW.wall / 1_000
const ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

const keys = new Keys({ signed: 'require', hmacSecret: SECRET, publicKeys: PUBLIC })
const judge = (): Judge => new Judge(keys, LIMITS, START_UPTIME)
const code = (facts: Partial<CodeFacts> = {}): string =>
  signedCode({ key: { hmac: KEY }, person: '1042', issued: NOW_S, expires: NOW_S + 30, id: ID, ...facts })
const later = (ms: number, facts: Partial<Moment> = {}): Moment => ({ ...NOW, wall: NOW.wall + ms, uptime: NOW.uptime + ms, ...facts }) // prettier-ignore
const outcome = (text: string, at: Moment = NOW, by = judge()): string => {
  const result = by.judge(text, at)
  return typeof result === 'string' ? result : `person ${result.person}`
}

describe('qr signed codes', () => {
  it('are the same from the vectors, the issuer, the phone, and for the driver', () => {
    let compared = 0
    for (const { name, hex, card } of readVectors('drivers/qr')) {
      if (card !== true) continue
      const text = Buffer.from(bytesOf(hex)).toString('latin1').trim()
      const token = parseToken(text)
      assert.ok(token, name)
      const { person, issued, expires, algorithm } = token
      const id = Buffer.from(token.id, 'hex')
      const key = readKey(algorithm === 'hmac' ? SECRET : PEM)
      assert.ok(key)
      assert.equal(issueCode({ key, person, issued, expires, id }), text, `issuer, ${name}`)
      const seed = algorithm === 'hmac' ? { hmac: KEY } : { ed25519: KEY }
      assert.equal(signedCode({ key: seed, person, issued, expires, id }), text, `phone, ${name}`)
      assert.equal(outcome(text, later(8_000)), `person ${person}`, name)
      if (algorithm === 'ed25519') assert.equal(key.publicKey, PUBLIC)
      compared++
    }
    assert.equal(compared, 3)
  })

  it('are valid from issue to expiry, and the skew on both sides', () => {
    for (const [ms, expected] of [
      [-5_001, 'not-yet-valid'],
      [-5_000, 'person 1042'],
      [0, 'person 1042'],
      [34_999, 'person 1042'],
      [35_000, 'expired'],
    ] as const) {
      assert.equal(outcome(code(), later(ms)), expected, `${ms} ms after issue`)
    }
  })

  it('may live for the longest lifetime, forwards', () => {
    assert.equal(outcome(code({ expires: NOW_S + 300 })), 'person 1042')
    for (const expires of [NOW_S + 301, NOW_S, NOW_S - 1]) assert.equal(outcome(code({ expires })), 'lifetime-too-long')
  })

  it('are refused by a gateway that does not know the time', () => {
    assert.equal(outcome(code(), later(0, { state: 'unsynced', errorMs: null })), 'clock-unsynced')
  })

  it('are refused from strangers and forgers', () => {
    const other = Uint8Array.from(KEY, (byte) => byte ^ 1)
    assert.equal(outcome(code({ key: { hmac: other } })), 'unknown-key')
    assert.equal(outcome(code({ key: { ed25519: other } })), 'unknown-key')
    for (const key of [{ hmac: KEY }, { ed25519: KEY }]) {
      const [prefix, payload = '', signature = ''] = code({ key }).split('.')
      const others = code({ key, person: '1043' }).split('.')
      assert.equal(outcome([prefix, others[1], signature].join('.')), 'bad-signature')
      assert.equal(outcome([prefix, payload, others[2]].join('.')), 'bad-signature')
    }
  })

  it('are refused when a public key is used as a secret', () => {
    const forged = Buffer.from(code({ key: { hmac: publicKeyOf(KEY) } }).split('.')[1] ?? '', 'base64url')
    forged.set(Buffer.from(parseToken(code({ key: { ed25519: KEY } }))?.keyId ?? '', 'hex'), 1)
    assert.equal(outcome(`PQ1.${forged.toString('base64url')}.${'A'.repeat(22)}`), 'unknown-key')
  })

  it('are refused when any bit is wrong (E20)', () => {
    for (const key of [{ hmac: KEY }, { ed25519: KEY }]) {
      const right = Buffer.from(code({ key }))
      for (let bit = 0; bit < right.length * 8; bit++) {
        const wrong = Buffer.from(right)
        wrong[bit >> 3]! ^= 1 << (bit & 7)
        assert.match(outcome(wrong.toString('latin1')), /^(malformed|unknown-key|bad-signature)$/, `bit ${bit}`)
      }
    }
  })

  it('have one form: no padding, no cut, no other case, no line break, no second code', () => {
    const text = code()
    const stray = text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1)
    const wrong = [`${text}=`, text.slice(0, -1), text.replace('PQ1', 'pq1'), `${text.slice(0, 20)}\r\n${text.slice(20)}`, text + text, stray, 'PQ1.', 'PQ1..', `${text}.`] // prettier-ignore
    for (const one of wrong) assert.equal(outcome(one), 'malformed', one)
  })

  it('name nobody with control characters, none with no or too long a name', () => {
    for (const person of ['', 'a\nb', '\u0000', 'x'.repeat(65)]) assert.equal(outcome(code({ person })), 'malformed')
    assert.equal(outcome(code({ person: 'x'.repeat(64) })), `person ${'x'.repeat(64)}`)
  })

  it('throw nothing and take nobody, whatever the text', () => {
    const parts = fc.oneof(fc.constantFrom('PQ1', 'PQ1.', '.', '=', code()), fc.base64String(), fc.string())
    const texts = fc.array(parts, { maxLength: 6 }).map((list) => list.join(''))
    fc.assert(
      fc.property(texts, (text) => text === code() || !outcome(text).startsWith('person')),
      { numRuns: 2_000 },
    )
  })

  describe('a second time', () => {
    it('are refused until they expire (E20)', () => {
      const by = judge()
      assert.equal(outcome(code(), NOW, by), 'person 1042')
      for (const ms of [1, 10_000, 34_999]) assert.equal(outcome(code(), later(ms), by), 'replayed', `${ms} ms`)
      assert.equal(outcome(code(), later(35_000), by), 'expired')
    })

    it('are refused after a restart, also when the phone is ahead', () => {
      const used = code({ issued: NOW_S + 5, expires: NOW_S + 35 })
      assert.equal(outcome(used), 'person 1042')
      const restarted = new Judge(keys, LIMITS, NOW.uptime + 1_000)
      assert.equal(outcome(used, later(1_000), restarted), 'before-start')
      const next = code({ issued: NOW_S + 7, expires: NOW_S + 37 })
      assert.equal(outcome(next, later(7_000), restarted), 'person 1042')
    })

    it('count the start by the clock of today, when it was set right meanwhile', () => {
      const by = new Judge(keys, LIMITS, NOW.uptime - 10_000)
      const atStart = code({ issued: NOW_S - 5, expires: NOW_S + 25 })
      assert.equal(outcome(atStart, NOW, by), 'before-start')
      assert.equal(outcome(code({ issued: NOW_S - 4, expires: NOW_S + 25 }), NOW, by), 'person 1042')
    })

    it('are refused when a newer one of the same person was taken', () => {
      const by = judge()
      const older = code({ issued: NOW_S - 10, id: Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9) })
      assert.equal(outcome(code(), NOW, by), 'person 1042')
      assert.equal(outcome(older, NOW, by), 'superseded')
      assert.equal(outcome(code({ issued: NOW_S - 10, person: '1043', id: Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 8) }), NOW, by), 'person 1043') // prettier-ignore
    })

    it('may be shown when nothing was stored', () => {
      const by = judge()
      const token = by.judge(code(), NOW)
      assert.ok(typeof token !== 'string')
      by.forgive(token)
      assert.equal(outcome(code(), NOW, by), 'person 1042')
    })

    it('are remembered in bounded memory; what is forgotten is not taken again', () => {
      const by = judge()
      const nth = (n: number): string => {
        const id = new Uint8Array(8)
        new DataView(id.buffer).setUint32(0, n)
        return code({ person: `p${n}`, id, issued: NOW_S - 100 + Math.floor(n / 20), expires: NOW_S + 60 })
      }
      for (let n = 0; n < 1_100; n++) assert.equal(outcome(nth(n), NOW, by), `person p${n}`)
      assert.ok(by.size <= 1_024, `${by.size}`)
      for (let n = 0; n < 1_100; n++) assert.match(outcome(nth(n), NOW, by), /^(replayed|superseded)$/, `${n}`)
    })

    it('are forgotten when they have expired', () => {
      const by = judge()
      for (let n = 0; n < 100; n++) {
        const at = later(n * 10_000)
        const issued = NOW_S + n * 10
        const id = Uint8Array.of(n, 0, 0, 0, 0, 0, 0, 0)
        assert.equal(outcome(code({ issued, expires: issued + 30, id }), at, by), 'person 1042')
      }
      assert.ok(by.size <= 6, `${by.size}`)
    })
  })

  describe('keys', () => {
    it('may be several, so that they can be changed', () => {
      const other = Uint8Array.from(KEY, (byte) => byte ^ 1)
      const both = new Keys({ signed: 'require', hmacSecret: '', publicKeys: `${PUBLIC}  ${Buffer.from(publicKeyOf(other)).toString('base64')}` }) // prettier-ignore
      for (const ed25519 of [KEY, other]) {
        const by = new Judge(both, LIMITS, START_UPTIME)
        assert.equal(outcome(code({ key: { ed25519 } }), NOW, by), 'person 1042')
      }
    })

    it('that are none are said at the start, with what to do', () => {
      for (const [given, told] of [
        [{ publicKeys: 'AAAA' }, /publicKeys/],
        [{ publicKeys: SECRET.slice(4) }, /publicKeys/],
        [{ hmacSecret: 'c2hvcnQ=' }, /hmacSecret/],
        [{ hmacSecret: 'no base64 at all!' }, /hmacSecret/],
        [{}, /no key is configured/],
      ] as const) {
        assert.throws(() => new Keys({ signed: 'require', publicKeys: '', hmacSecret: '', ...given }), (error: Error & { code?: string; hint?: string }) => error.code === 'device-refused' && told.test(error.message) && /punchd qr keygen/.test(error.hint ?? '')) // prettier-ignore
      }
      assert.ok(new Keys({ signed: 'off', publicKeys: '', hmacSecret: '' }))
    })
  })

  it('the phone shows a new one now and then', async () => {
    const clock = new FakeClock()
    const phone = new Phone({ clock, key: { hmac: KEY }, person: '1042', everyMs: 15_000 })
    const first = phone.code
    await clock.advance(14_999)
    assert.equal(phone.code, first)
    await clock.advance(1)
    assert.notEqual(phone.code, first)
    assert.equal(parseToken(phone.code)?.issued, Math.floor(clock.now().wall / 1_000))
  })
})
