/** What a broker may do that no specification allows, and what it may do that few programs expect. */
import type { IPublishPacket } from 'mqtt-packet'
import { between, type Random } from '../../simulators/random.js'
import { connack, CONNACK_OK, disconnect, puback, type Guest, type Script } from '../../test/support/scripted-broker.js'
import type { ScriptedRig } from './scripted-rig.js'

export interface Act {
  readonly name: string
  readonly script: (rig: ScriptedRig) => Script
  /** Publishes in flight. */
  readonly window?: number
  /** The one connection must hold. */
  readonly holds?: boolean
  /** Records may be set aside: the connection ends with one in flight, as with a broker that dies of it. */
  readonly parks?: boolean
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** Answers each record in another way. */
const records = (answer: (guest: Guest, packet: IPublishPacket, rig: ScriptedRig) => void): Act['script'] => {
  return (rig) => ({ record: (guest, packet) => (answer(guest, packet, rig), true) })
}
/** Answers CONNECT with these bytes, and then does as it should. */
const connects = (answer: (guest: Guest) => void): Act['script'] => {
  return () => ({ connect: (guest) => (answer(guest), true) })
}
/** Says these bytes after CONNACK. */
const afterwards = (bytes: () => Uint8Array): Act['script'] =>
  connects((guest) => {
    guest.send(CONNACK_OK)
    guest.send(bytes())
  })

/** CONNACK with a receive maximum of one. */
const ONE_AT_A_TIME = hex('20 06 00 00 03 21 00 01')
/** … with a maximum packet size of 100. */
const TINY = hex('20 08 00 00 05 27 00 00 00 64')
/** … with a property that does not exist, and one that says to be longer than the packet. */
const NO_PROPERTY = hex('20 05 00 00 02 7f 00')
const LONG_PROPERTY = hex('20 08 00 00 05 1f ff ff 41 42')
/** … with a reason string that is no UTF-8. */
const NO_TEXT = hex('20 08 00 00 05 1f 00 02 c3 28')
/** PUBLISH to a topic that is no UTF-8. */
const NO_TOPIC = hex('30 06 00 02 c3 28 00 41')
/** A PUBLISH of 256 MB, of which so much comes. */
const HUGE = hex('30 ff ff ff 7f 00 01 61 00')
const HUGE_PIECE = Buffer.alloc(4 * 1_048_576)
/** A CONNACK that is a redirect: server moved, server reference 127.0.0.1:1. */
const MOVED = hex('20 11 00 9d 0e 1c 00 0b 31 32 37 2e 30 2e 30 2e 31 3a 31')
const SLOW_MS = 3_000
/** When the second of two comes. */
const LATE_MS = 5

export function actsFor(random: Random): Act[] {
  return [
    { name: 'PUBACK for an unknown id', holds: true, script: records(strange) },
    { name: 'doubled PUBACKs, then the end', window: 2, script: doubled },
    { name: 'PUBACKs in reverse', holds: true, script: reversed },
    { name: 'receive maximum 1', holds: true, script: oneAtATime },
    { name: 'maximum packet size 100', holds: true, parks: true, script: connects((guest) => guest.send(TINY)) },
    { name: 'session present after a clean start', script: connects((guest) => guest.send(hex('20 03 01 00 00'))) },
    { name: 'property that does not exist', script: connects((guest) => guest.send(NO_PROPERTY)) },
    { name: 'property longer than its packet', script: connects((guest) => guest.send(LONG_PROPERTY)) },
    { name: 'reason string that is no UTF-8', script: connects((guest) => guest.send(NO_TEXT)) },
    { name: 'topic that is no UTF-8', script: afterwards(() => NO_TOPIC) },
    { name: 'huge packet', parks: true, script: afterwards(() => Buffer.concat([HUGE, HUGE_PIECE])) },
    { name: 'nonsense', script: afterwards(() => Uint8Array.from({ length: 200 }, () => between(random, 0, 255))) },
    ...wrongPackets(),
    { name: 'CONNACK twice', parks: true, script: afterwards(() => CONNACK_OK) },
    { name: 'redirect in CONNACK', script: connects((guest) => guest.send(MOVED)) },
    { name: 'no answer to CONNECT', script: connects(() => undefined) },
    { name: 'CONNACK byte by byte', script: connects((guest) => slowly(guest, CONNACK_OK)) },
    { name: 'no PUBACK', script: records(() => undefined) },
    { name: 'PUBACK byte by byte', script: records((guest, packet) => slowly(guest, puback(packet))) },
    { name: 'PUBREC instead', parks: true, script: records((guest, packet) => guest.send(pubrec(packet))) },
    { name: 'end without a word', parks: true, script: records((guest) => guest.end()) },
    {
      name: 'DISCONNECT in mid-packet',
      script: connects((guest) => (guest.send(disconnect(0x8b).slice(0, 1)), guest.end())),
    },
    { name: 'refused as MQTT 3', script: connects((guest) => (guest.send(connack(1)), guest.end())) },
  ]
}

/** Packets that only a client sends, or that answer what was not asked. */
function wrongPackets(): Act[] {
  const packets: readonly (readonly [name: string, bytes: string])[] = [
    ['CONNECT', '10 0d 00 04 4d 51 54 54 05 02 00 3c 00 00 00'],
    ['SUBSCRIBE', '82 07 00 01 00 00 01 61 01'],
    ['SUBACK', '90 04 00 07 00 01'],
    ['PUBREL', '62 02 00 07'],
    ['AUTH', 'f0 02 18 00'],
    ['PINGRESP', 'd0 00'],
    ['type 0', '00 00'],
  ]
  return packets.map(([name, bytes]) => ({
    name: `${name} out of place`,
    parks: true,
    script: afterwards(() => hex(bytes)),
  }))
}

function strange(guest: Guest, packet: IPublishPacket, { broker }: ScriptedRig): void {
  guest.send(puback({ messageId: 60_000 + guest.records }))
  broker.take(guest, packet)
}

/** Whoever takes the second PUBACK for that of the next record loses it: that one is not taken. */
const doubled: Act['script'] = ({ broker }) => ({
  record: (guest, packet) => {
    if (guest.records > 5) setTimeout(() => guest.end(), 3 * LATE_MS)
    else {
      broker.take(guest, packet)
      setTimeout(() => guest.send(puback(packet)), LATE_MS)
    }
    return true
  },
})

const reversed: Act['script'] = ({ broker }) => {
  let waiting: IPublishPacket[] = []
  return {
    record: (guest, packet) => {
      waiting.push(packet)
      // Delivered in order, acknowledged backwards.
      setTimeout(() => {
        const all = waiting
        waiting = []
        for (const { payload } of all) broker.onTaken(payload.toString())
        for (const taken of all.reverse()) guest.send(puback(taken))
      }, 30)
      return true
    },
  }
}

/** Ends the connection with "receive maximum exceeded" when a second one is in flight, be it a status document. */
const oneAtATime: Act['script'] = ({ broker, sending }) => {
  let inFlight = 0
  const later = (guest: Guest, act: () => void): void => {
    if (++inFlight > 1) guest.send(disconnect(0x93))
    setTimeout(() => {
      inFlight -= 1
      act()
    }, 3)
  }
  sending.publisher.retain(sending.topics.info, { some: 'document' })
  sending.publisher.retain(sending.topics.health, { some: 'figures' })
  return {
    connect: (guest) => (guest.send(ONE_AT_A_TIME), true),
    record: (guest, packet) => (later(guest, () => broker.take(guest, packet)), true),
    status: (guest, packet) => (later(guest, () => guest.send(puback(packet))), true),
  }
}

function slowly(guest: Guest, bytes: Uint8Array): void {
  bytes.forEach((byte, index) => void setTimeout(() => guest.send(Uint8Array.of(byte)), index * SLOW_MS).unref())
}

function pubrec({ messageId = 0 }: IPublishPacket): Uint8Array {
  return Uint8Array.of(0x50, 2, messageId >> 8, messageId & 0xff)
}
