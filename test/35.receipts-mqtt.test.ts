/** The topic of receipts on a real broker, and on one that refuses it. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Server } from 'node:net'
import mqtt from 'mqtt'
import { generate, parser, type Packet } from 'mqtt-packet'
import { Broker, hasMosquitto, Listener } from './support/broker.js'
import { fill } from './support/records.js'
import { mqttConfig, PREFIX, Sending } from './support/sending.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const LONG = 60_000
const TOPIC = `${PREFIX}/receipt`
const LOGGED = ['log_type subscribe', 'log_type notice', 'log_type information']

describe('the topic of receipts', function () {
  this.timeout(90_000)
  const folder = tempFolder()
  let sending: Sending | undefined

  afterEach(async () => {
    await sending?.close()
    sending = undefined
  })

  describe('on mosquitto', () => {
    let broker: Broker
    let listener: Listener

    before(function () {
      if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
    })
    beforeEach(async () => {
      broker = await Broker.start(folder.path, LOGGED)
      listener = await Listener.listen(broker.url)
    })
    afterEach(async () => {
      await sending?.close()
      sending = undefined
      await listener.close()
      await broker.down()
    })

    async function say(text: string | Buffer, retain = false): Promise<void> {
      const client = await mqtt.connectAsync(broker.url)
      await client.publishAsync(TOPIC, text, { qos: 1, retain })
      await client.endAsync()
    }

    it('is not subscribed to where the broker settles', async () => {
      sending = new Sending(folder.file('journal.db'), mqttConfig(broker.url))
      fill(sending.journal, 3)
      sending.outbox.appended()
      await until(() => sending?.done === true, LONG, 'the records')
      await until(() => broker.log.includes('punchd/#'), LONG, 'the log of the broker')
      assert.ok(!broker.log.includes('receipt'))
      assert.equal(sending.outbox.settled, 3)
    })

    for (const protocol of [5, 4] as const)
      it(`is, with QoS 1, on each connection of MQTT ${protocol}: what is said there settles, and fetches`, async () => {
        sending = new Sending(folder.file('journal.db'), mqttConfig(broker.url, { settle: 'receipt', protocol }))
        const { outbox, journal } = sending
        fill(journal, 3)
        outbox.appended()
        await until(() => outbox.unsent === 0, LONG, 'the records')
        await until(() => broker.log.includes(TOPIC), LONG, 'the subscription')
        assert.match(broker.log, new RegExp(`punchd-hq-gw-01 1 ${TOPIC}`))
        assert.equal(outbox.settled, 0)
        await say(JSON.stringify({ journal: journal.id, upTo: 2 }), true)
        await until(() => outbox.settled === 2, LONG, 'the receipt')
        await broker.down()
        await broker.up()
        await until(() => broker.log.includes(TOPIC), LONG, 'the subscription again')
        await say(JSON.stringify({ journal: journal.id, upTo: 3 }))
        await until(() => outbox.settled === 3, LONG, 'the receipt')
        await until(() => broker.log.includes('punchd/#'), LONG, 'the listener again')
        const before = listener.seqs.length
        await say(JSON.stringify({ journal: journal.id, missing: [[1, 2]] }))
        await until(() => listener.seqs.slice(before).includes(2), LONG, 'what was missing')
        const again = listener.json('/punch/').slice(-2)
        assert.deepEqual(
          again.map(({ seq, delivery }) => [seq, delivery]),
          [1, 2].map((seq) => [seq, { attempt: 2, delayed: true }]),
        )
      })

    it('takes no message that would fill the memory (D22)', async () => {
      sending = new Sending(folder.file('journal.db'), mqttConfig(broker.url, { settle: 'receipt' }))
      await until(() => broker.log.includes(TOPIC), LONG, 'the subscription')
      await say(Buffer.alloc(2_000_000, 'x'))
      await say('nonsense')
      await until(() => sending?.outbox.receipts?.refused === 1, LONG, 'the receipts')
      await until(() => listener.under('/event/receipt-refused').length === 1, LONG, 'the event')
      assert.equal(sending.publisher.connects, 1)
    })

    it('is no place for nonsense: that is said once', async () => {
      sending = new Sending(folder.file('journal.db'), mqttConfig(broker.url, { settle: 'receipt' }))
      await until(() => broker.log.includes(TOPIC), LONG, 'the subscription')
      for (const text of ['nonsense', Buffer.alloc(200_000, 'x'), 'nonsense', '{}']) await say(text)
      await until(() => sending?.outbox.receipts?.refused === 4, LONG, 'the receipts')
      await until(() => listener.under('/event/receipt-refused').length === 3, LONG, 'the events')
      const said = listener.json('/event/receipt-refused').map(({ detail }) => (detail as { refusal: string }).refusal)
      assert.deepEqual(said.sort(), ['not-json', 'too-large', 'wrong-shape'])
    })
  })

  for (const protocol of [5, 4] as const)
    it(`refused by a broker of MQTT ${protocol}, is said once and asked for again`, async () => {
      const codes = [protocol === 5 ? 0x87 : 0x80, protocol === 5 ? 0x87 : 0x80, 1]
      let asked = 0
      const server = refusingBroker(protocol, () => codes[asked++] ?? 1)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      const url = `mqtt://127.0.0.1:${port}`
      sending = new Sending(folder.file('journal.db'), mqttConfig(url, { settle: 'receipt', protocol }), 30)
      fill(sending.journal, 2)
      sending.outbox.appended()
      await until(() => asked === 3, LONG, 'the third time')
      const { lines } = sending.log
      assert.equal(lines.filter(({ fields }) => fields['event'] === 'receipts-refused').length, 1)
      assert.equal(sending.outbox.unsent, 0, 'records flow meanwhile')
      assert.equal(sending.publisher.connects, 1)
      await sending.close()
      sending = undefined
      server.close()
    })
})

/** A broker that takes everything and answers each SUBSCRIBE with the next code. */
function refusingBroker(protocol: 4 | 5, nextCode: () => number): Server {
  return createServer((socket) => {
    const answer = (packet: Packet): void => void socket.write(generate(packet, { protocolVersion: protocol }))
    const reading = parser({ protocolVersion: protocol })
    reading.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') answer({ cmd: 'connack', sessionPresent: false, returnCode: 0, reasonCode: 0 })
      if (packet.cmd === 'subscribe') answer({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [nextCode()] })
      if (packet.cmd === 'publish' && packet.qos === 1)
        answer({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 })
      if (packet.cmd === 'disconnect') socket.end()
    })
    socket.on('data', (bytes) => reading.parse(bytes))
    socket.on('error', () => undefined)
  })
}
