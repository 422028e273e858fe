/** Records and a real broker: taken, refused, too large, lost on the way. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import type { MqttConfig } from '../src/config/config.js'
import { Broker, hasMosquitto, Listener } from './support/broker.js'
import { range } from './support/outbox.js'
import { auditDraft, fill, punchDraft } from './support/records.js'
import { mqttConfig, PREFIX, Sending } from './support/sending.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const LONG = 60_000

describe('records over MQTT', function () {
  this.timeout(90_000)
  const folder = tempFolder()
  let broker: Broker
  let listener: Listener | undefined
  let sending: Sending | undefined

  before(function () {
    if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
  })
  afterEach(async () => {
    broker.signal('SIGCONT')
    await sending?.close()
    await listener?.close()
    await broker.down()
    sending = listener = undefined
  })

  /** `files` are those that the lines name. */
  async function start(lines: readonly string[] = [], files: Readonly<Record<string, string>> = {}): Promise<void> {
    for (const [name, text] of Object.entries(files)) writeFileSync(folder.file(name), text)
    broker = await Broker.start(folder.path, lines)
  }
  async function listen(): Promise<Listener> {
    listener = await Listener.listen(broker.url)
    return listener
  }
  function send(over: Partial<MqttConfig> = {}, speed?: number): Sending {
    sending = new Sending(folder.file('journal.db'), mqttConfig(broker.url, over), speed)
    return sending
  }

  it('go out as JSON with QoS 1, not retained, in order', async () => {
    await start()
    const listener = await listen()
    const sending = send()
    fill(sending.journal, 300)
    sending.outbox.appended()
    await until(() => sending.done && listener.seqs.length >= 300, LONG, 'the records')
    assert.deepEqual(listener.seqs, range(1, 300))
    const [first] = listener.under('/punch/')
    assert.equal(first?.topic, `${PREFIX}/punch/gate`)
    assert.deepEqual([first.packet.qos, first.packet.retain], [1, false])
    const { delivery, ...record } = JSON.parse(first.text) as Record<string, unknown>
    assert.deepEqual(delivery, { attempt: 1, delayed: true })
    assert.deepEqual(record, JSON.parse(`${sending.journal.get(1)?.body.toString()}}`))
  })

  it('of operators go to a topic by their type', async () => {
    await start()
    const listener = await listen()
    const sending = send()
    await sending.direct.append(auditDraft('reader-lost'))
    await until(() => listener.heard.length > 0, LONG, 'the event')
    assert.equal(listener.heard[0]?.topic, `${PREFIX}/event/reader-lost`)
  })

  it('are marked live or late', async () => {
    await start()
    const listener = await listen()
    const sending = send()
    fill(sending.journal, 1)
    await until(() => sending.done, LONG, 'the late one')
    await sending.direct.append(punchDraft('AA'))
    await until(() => listener.seqs.length === 2, LONG, 'the live one')
    assert.deepEqual(listener.json('/punch/').map(({ delivery }) => (delivery as { delayed: boolean }).delayed), [true, false]) // prettier-ignore
  })

  it('go out over MQTT 3.1.1 too, said to be degraded', async () => {
    await start()
    const listener = await listen()
    const sending = send({ protocol: 4 })
    fill(sending.journal, 20)
    await until(() => listener.seqs.length === 20 && sending.done, LONG, 'the records')
    const connected = sending.log.lines.find(({ fields }) => fields['event'] === 'broker-connected')
    assert.match(String(connected?.fields['degraded']), /cannot refuse/)
  })

  it('that nobody hears are counted', async () => {
    await start()
    const sending = send()
    fill(sending.journal, 3)
    await until(() => sending.done, LONG, 'the records')
    assert.equal(sending.publisher.unheard, 3)
  })

  describe('refused by the access list', () => {
    const STRICT = `topic readwrite ${PREFIX}/event/#\ntopic readwrite ${PREFIX}/punch/gate\ntopic read punchd/#\n`
    const OPEN = 'topic readwrite punchd/#\n'

    it('are parked with the reason; the others flow; mended, they leave on the next connection (D08)', async () => {
      await start([`acl_file ${folder.file('acl')}`], { acl: STRICT })
      const listener = await listen()
      const sending = send()
      await sending.direct.append({ ...punchDraft('AA'), channel: 'yard' })
      fill(sending.journal, 5)
      sending.outbox.appended()
      await until(
        () => listener.seqs.length === 5 && listener.under('/event/record-parked').length === 1,
        LONG,
        'the others',
      )
      const [parked] = sending.journal.parked(10)
      assert.deepEqual([parked?.seq, parked?.code], [1, 'publish-refused'])
      assert.match(String(parked?.reason), /not authorised.*0x87/)
      assert.equal(listener.last('record-parked')?.['subject'], parked?.id)
      writeFileSync(folder.file('acl'), OPEN)
      await broker.down()
      await broker.up()
      await until(() => sending.journal.state.parked === 0, LONG, 'the parked record')
    })

    it('are sent on request once the list is mended and reloaded', async () => {
      await start([`acl_file ${folder.file('acl')}`], { acl: STRICT })
      const sending = send()
      await sending.direct.append({ ...punchDraft('AA'), channel: 'yard' })
      await until(() => sending.journal.state.parked === 1, LONG, 'the refusal')
      const [parked] = sending.journal.parked(1)
      assert.ok(parked)
      writeFileSync(folder.file('acl'), OPEN)
      await broker.reload()
      const listener = await listen()
      // This broker closes the connection after each refusal: a retry finds one again in a moment.
      await until(() => sending.publisher.online && sending.done, LONG, 'the connection')
      await sending.outbox.retry(parked)
      await until(() => listener.under('/punch/yard').length === 1, LONG, 'its arrival')
      assert.equal(sending.journal.state.parked, 0)
    })

    it('one after another, do not hold up the others, though this broker closes the connection each time', async () => {
      await start([`acl_file ${folder.file('acl')}`], { acl: STRICT })
      const listener = await listen()
      const sending = send()
      for (let round = 0; round < 20; round++) {
        sending.journal.append([{ ...punchDraft('AA'), channel: 'yard' }, punchDraft('BB')])
      }
      sending.outbox.appended()
      await until(() => sending.done, LONG, 'the others')
      await until(() => new Set(listener.seqs).size === 20, LONG, 'their arrival')
      const codes = new Set(sending.journal.parked(100).map(({ code }) => code))
      assert.deepEqual([sending.journal.state.parked, [...codes]], [20, ['publish-refused']])
      // What is parked is left in peace for a while: offered at once, it would end each connection.
      const { connects } = sending.publisher
      await sending.direct.append(punchDraft('CC'))
      await until(() => listener.seqs.includes(sending.journal.lastSeq), LONG, 'a later one')
      assert.ok(sending.publisher.connects <= connects + 2)
    })

    it('as status documents do not keep records from leaving', async () => {
      await start([`acl_file ${folder.file('acl')}`], { acl: STRICT })
      const listener = await listen()
      const sending = send()
      for (const topic of [sending.topics.info, sending.topics.health])
        sending.publisher.retain(topic, { some: 'document' })
      fill(sending.journal, 50)
      sending.outbox.appended()
      await until(() => sending.done && new Set(listener.seqs).size === 50, LONG, 'the records')
      assert.equal(sending.journal.state.parked, 0)
      assert.equal(sending.log.lines.filter(({ fields }) => fields['event'] === 'status-refused').length, 2)
    })
  })

  describe('too large', () => {
    const large = { ...punchDraft('AA', 0, { note: 'x'.repeat(5_000) }) }

    it('for max_packet_size are parked before they are sent: the connection lives (D10)', async () => {
      await start(['max_packet_size 2000'])
      const listener = await listen()
      const sending = send()
      sending.journal.append([punchDraft('AA'), large, punchDraft('BB')])
      await until(() => sending.done && listener.seqs.length === 2, LONG, 'the others')
      assert.deepEqual(listener.seqs, [1, 3])
      const [parked] = sending.journal.parked(10)
      assert.deepEqual([parked?.seq, parked?.code], [2, 'publish-oversized'])
      assert.equal(sending.publisher.connects, 1)
    })

    it('for message_size_limit, which this broker answers with an illegal code, are parked in the end; the others flow', async () => {
      await start(['message_size_limit 2000'])
      const listener = await listen()
      const sending = send()
      sending.journal.append([punchDraft('AA'), large, punchDraft('BB')])
      await until(() => sending.journal.state.parked === 1 && sending.done, LONG, 'the parking')
      assert.equal(sending.journal.parked(1)[0]?.seq, 2)
      await until(() => listener.seqs.includes(1) && listener.seqs.includes(3), LONG, 'the others')
      assert.ok(!listener.seqs.includes(2))
      fill(sending.journal, 50)
      sending.outbox.appended()
      await until(() => sending.done, LONG, 'those that came later')
    })
  })

  it('wait while the user or password is wrong, and the hint says what to check (D07)', async () => {
    await start(['allow_anonymous false', `password_file ${folder.file('passwords')}`], { passwords: '' })
    const sending = send({ username: 'gw-01', password: 'hunter2' })
    fill(sending.journal, 1)
    await until(() => sending.publisher.trouble !== undefined, LONG, 'the refusal')
    await until(() => broker.log.split('not authorised').length > 3, LONG, 'three tries')
    assert.equal(sending.publisher.trouble?.code, 'broker-refused')
    assert.match(sending.publisher.trouble.hint ?? '', /mqtt\.username.*mqtt\.password/)
    assert.ok(!JSON.stringify(sending.log.lines).includes('hunter2'))
    assert.equal(sending.log.lines.filter(({ level }) => level === 'warn').length, 1)
    assert.equal(sending.outbox.waiting, 1)
  })

  it('wait for a broker that is not there, with one line in the log (D14)', async () => {
    await start()
    await broker.down()
    const sending = send()
    fill(sending.journal, 1)
    await until(() => sending.publisher.trouble !== undefined, LONG, 'the refusal')
    assert.equal(sending.publisher.trouble?.code, 'broker-unreachable')
    assert.match(sending.publisher.trouble.hint ?? '', /is the broker running/)
    await broker.up()
    await until(() => sending.done, LONG, 'the record')
    assert.equal(sending.log.lines.filter(({ level }) => level === 'warn').length, 1)
  })

  it('are all delivered though the broker is killed and started again and again (D05)', async () => {
    await start()
    const sending = send()
    const heard = new Set<number>()
    for (let round = 0; round < 4; round++) {
      const ears = await Listener.listen(broker.url)
      await until(() => sending.publisher.online, LONG, 'the connection')
      const before = sending.outbox.settled
      fill(sending.journal, 1_500)
      sending.outbox.appended()
      // In the middle of it, but for the last round.
      await until(() => (round === 3 ? sending.done : sending.outbox.settled > before + 100), LONG, 'some records')
      if (round < 3) await broker.down()
      else await until(() => ears.seqs.includes(6_000), LONG, 'the last record')
      ears.seqs.forEach((seq) => heard.add(seq))
      await ears.close()
      if (round < 3) await broker.up()
    }
    assert.equal(sending.outbox.settled, 6_000)
    assert.equal(sending.journal.state.parked, 0)
    assert.ok(sending.publisher.connects >= 4)
    // What the broker took and lost with its own death, nobody can hear; the rest was heard.
    assert.ok(heard.size > 4_500, `${heard.size} heard`)
  })

  it('are sent again when the broker falls silent without closing the connection (D02)', async () => {
    await start()
    const listener = await listen()
    const sending = send()
    await until(() => sending.publisher.online, LONG, 'the connection')
    broker.signal('SIGSTOP')
    await sending.direct.append(punchDraft('AA'))
    await until(() => sending.log.lines.some(({ fields }) => fields['event'] === 'ack-timeout'), LONG, 'the time-out')
    // Long before mqtt.js would miss the answer to its ping.
    await until(() => !sending.publisher.online, 10_000, 'the end of the connection')
    broker.signal('SIGCONT')
    await until(() => sending.done && listener.seqs.includes(1), LONG, 'the record')
    assert.equal(sending.publisher.connects, 2)
    assert.equal(sending.journal.state.parked, 0)
  })

  it('stay in their place when the broker lets us connect and never answers', async () => {
    // CONNACK of MQTT 5: no flags, success, no properties.
    const mute = createServer((socket) => socket.once('data', () => socket.write(Buffer.from('2003000000', 'hex'))))
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const { port } = mute.address() as AddressInfo
    // Nothing is answered in time here, however fast that goes by.
    const sending = send({ urls: [`mqtt://127.0.0.1:${port}`] }, 60)
    await sending.direct.append(punchDraft('AA'))
    const timeOuts = () => sending.log.lines.filter(({ fields }) => fields['event'] === 'ack-timeout').length
    await until(() => timeOuts() >= 7, LONG, 'more time-outs than it takes to suspect a record')
    mute.close()
    assert.deepEqual([sending.journal.state.parked, sending.outbox.settled], [0, 0])
  })
})
