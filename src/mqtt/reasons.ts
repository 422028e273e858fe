/** What MQTT 5 reason codes mean for a record, for a connection, and for a person. */
import type { Disposal } from '../errors.js'

/** [MQTT5 §3.4.2.1] PUBACK codes from 0x80 on. Parked: the same record would fail again until someone acts. */
const PUBACK: Readonly<Record<number, readonly [Disposal, string]>> = {
  0x80: ['retry', 'unspecified error'],
  0x83: ['retry', 'implementation specific error'],
  0x87: ['park', 'not authorised for this topic'],
  0x90: ['park', 'topic name invalid'],
  0x91: ['retry', 'packet identifier in use'],
  0x95: ['park', 'packet too large'],
  0x97: ['retry', 'quota exceeded'],
  0x99: ['park', 'payload format invalid'],
}

/** What to do with a record whose PUBACK carries `code`. */
export function refusalOf(code: number): { readonly disposal: Disposal; readonly text: string } {
  const [disposal, text] = PUBACK[code] ?? ['retry', 'unknown reason']
  return { disposal, text: `broker refused the record: ${text} (0x${code.toString(16)})` }
}

/** [MQTT5 §3.2.2.2] and [MQTT3 §3.2.2.3]: refusals of the whole client, with what to do about it. */
const REFUSED: Readonly<Record<number, readonly [string, string]>> = {
  1: ['protocol version not supported', 'set mqtt.protocol to the version that the broker speaks'],
  2: ['client id rejected', 'set mqtt.clientId to one that the broker allows'],
  4: ['user name or password wrong', 'check mqtt.username and mqtt.password'],
  5: ['not authorised', 'check mqtt.username, mqtt.password and the access list of the broker'],
  0x84: ['protocol version not supported', 'set mqtt.protocol: 4, or use a broker that speaks MQTT 5'],
  0x85: ['client id rejected', 'set mqtt.clientId to one that the broker allows'],
  0x86: ['user name or password wrong', 'check mqtt.username and mqtt.password'],
  0x87: ['not authorised', 'check mqtt.username, mqtt.password and the access list of the broker'],
  0x8a: ['banned', 'ask who runs the broker'],
  0x8e: ['another client took over this client id', 'two gateways with one mqtt.clientId? Give each its own'],
}

export function clientRefusal(code: number): { readonly text: string; readonly hint: string } | undefined {
  const known = REFUSED[code]
  return known && { text: known[0], hint: known[1] }
}

/** [MQTT5 §3.4.2.1] Success, but nobody subscribes: the record went nowhere. */
export const NO_SUBSCRIBERS = 0x10
export const SESSION_TAKEN_OVER = 0x8e
