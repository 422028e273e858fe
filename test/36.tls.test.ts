/** A broker behind TLS, and what becomes of certificates and passwords: they expire, are changed, or are somebody else's. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { Authority, EXPIRED, hasOpenssl, NOT_YET, type Certificate } from './support/authority.js'
import { Broker, hasMosquitto } from './support/broker.js'
import { fill } from './support/records.js'
import { mqttConfig, Sending } from './support/sending.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const LONG = 60_000

describe('a broker that proves who it is', function () {
  this.timeout(90_000)
  const folder = tempFolder()
  let authority: Authority
  let broker: Broker | undefined
  let sending: Sending | undefined

  before(function () {
    if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
    if (!hasOpenssl()) skip(this, 'openssl is not installed')
  })
  beforeEach(() => {
    authority = new Authority(folder.path, 'authority')
  })
  afterEach(async () => {
    await sending?.close()
    await broker?.down()
    sending = broker = undefined
  })

  const secured = ({ cert, key }: Certificate, ...more: string[]): string[] => [
    `certfile ${cert}`,
    `keyfile ${key}`,
    ...more,
  ]
  const start = async (...lines: string[]): Promise<Broker> => {
    broker = await Broker.start(folder.path, lines)
    return broker
  }
  /** Ends it and starts it with other lines. */
  const startAnew = async (...lines: string[]): Promise<void> => {
    await broker?.down()
    broker?.configure(lines)
    await broker?.up()
  }
  const send = (over: Parameters<typeof mqttConfig>[1] = {}): Sending => {
    const url = `mqtts://localhost:${broker?.port ?? 0}`
    sending = new Sending(folder.file('journal.db'), mqttConfig(url, { tls: { ca: authority.ca }, ...over }))
    fill(sending.journal, 3)
    sending.outbox.appended()
    return sending
  }
  const refused = async (): Promise<void> => {
    await until(() => sending?.publisher.trouble !== undefined, LONG, 'the refusal')
    assert.deepEqual([sending?.publisher.connects, sending?.outbox.waiting], [0, 3])
  }

  for (const host of ['localhost', '127.0.0.1'])
    it(`is sent what waits: ${host}`, async () => {
      const warnings: string[] = []
      const note = (warning: Error): void => void warnings.push(warning.message)
      process.on('warning', note)
      await start(...secured(authority.issue(host)))
      const sending = send({ urls: [`mqtts://${host}:${broker?.port ?? 0}`] })
      await until(() => sending.done, LONG, 'the records')
      process.off('warning', note)
      assert.deepEqual(warnings, [])
    })

  for (const [what, make] of [
    ['expired (D15)', () => authority.issue('localhost', EXPIRED)],
    ['not valid yet, as to a clock that stands in 1970 (D15)', () => authority.issue('localhost', NOT_YET)],
    ['of another host (D14)', () => authority.issue('captive.portal')],
    ['of an authority that nobody named (D14)', () => new Authority(folder.path, 'stranger').issue('localhost')],
  ] as const) {
    it(`with a certificate that is ${what} is sent nothing, and all of it once it has a right one`, async () => {
      await start(...secured(make()))
      const sending = send()
      await refused()
      assert.equal(sending.publisher.trouble?.code, 'broker-unreachable')
      assert.match(sending.publisher.trouble.hint ?? '', /certificate .* mqtt\.tls\.ca and the clock/)
      assert.equal(sending.log.lines.filter(({ level }) => level === 'warn').length, 1)
      await startAnew(...secured(authority.issue('localhost')))
      await until(() => sending.done, LONG, 'the records')
    })
  }

  it('may get a certificate of a new authority while both are in the bundle (D17)', async () => {
    const next = new Authority(folder.path, 'next')
    const bundle = folder.file('bundle.pem')
    writeFileSync(bundle, readFileSync(authority.ca, 'utf8') + readFileSync(next.ca, 'utf8'))
    await start(...secured(authority.issue('localhost')))
    const sending = send({ tls: { ca: bundle } })
    await until(() => sending.done, LONG, 'the records under the old one')
    await startAnew(...secured(next.issue('localhost')))
    fill(sending.journal, 3)
    sending.outbox.appended()
    await until(() => sending.done && sending.publisher.connects === 2, LONG, 'those under the new one')
  })

  it('that asks who we are is shown new certificates as soon as they lie there, without a restart (D16)', async () => {
    const next = new Authority(folder.path, 'next')
    const own = authority.issue('localhost')
    const mine = { cert: folder.file('gateway.pem'), key: folder.file('gateway.key') }
    const lay = ({ cert, key }: Certificate): void => {
      copyFileSync(cert, mine.cert)
      copyFileSync(key, mine.key)
    }
    lay(authority.issue('gw-01'))
    await start(...secured(own, `cafile ${authority.ca}`, 'require_certificate true'))
    const sending = send({ tls: { ca: authority.ca, ...mine } })
    await until(() => sending.done, LONG, 'the records under the old one')
    // The old certificate is good for nothing any more.
    await startAnew(...secured(own, `cafile ${next.ca}`, 'require_certificate true'))
    fill(sending.journal, 3)
    sending.outbox.appended()
    await until(() => sending.publisher.trouble !== undefined, LONG, 'the refusal')
    assert.equal(sending.outbox.waiting, 3)
    lay(next.issue('gw-01'))
    await until(() => sending.done, LONG, 'those under the new one')
  })

  it('that does not take our password any more gets all of it once it does again (D18)', async function () {
    const passwords = folder.file('passwords')
    const allow = (password: string): void => {
      const made = spawnSync('mosquitto_passwd', ['-c', '-b', passwords, 'gw-01', password])
      if (made.error) skip(this, 'mosquitto_passwd is not installed')
    }
    allow('of tomorrow')
    const strict = ['allow_anonymous false', `password_file ${passwords}`]
    await start(...secured(authority.issue('localhost')), ...strict)
    const sending = send({ username: 'gw-01', password: 'of today' })
    await refused()
    assert.equal(sending.publisher.trouble?.code, 'broker-refused')
    assert.match(sending.publisher.trouble.hint ?? '', /mqtt\.password/)
    allow('of today')
    await broker?.reload()
    await until(() => sending.done, LONG, 'the records')
    assert.equal(sending.journal.state.parked, 0)
  })
})
