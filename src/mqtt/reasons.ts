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

const CLIENT_ID = 'set mqtt.clientId to one that the broker allows'
const WHO = 'check mqtt.username, mqtt.password and the access list of the broker'
const WAIT = 'nothing to do here: it is tried again, less and less often'
const ELSEWHERE = 'set mqtt.url to the address that the operator of the broker names; punchd does not follow redirects'
const WILL = 'the broker must allow retained messages with QoS 1 below mqtt.topicPrefix'

/** [MQTT5 §3.2.2.2, §3.14.2.1] and [MQTT3 §3.2.2.3]: refusals of the whole client, with what to do about it. */
const REFUSED: Readonly<Record<number, readonly [string, string]>> = {
  1: ['protocol version not supported', 'set mqtt.protocol to the version that the broker speaks'],
  2: ['client id rejected', CLIENT_ID],
  3: ['server unavailable', WAIT],
  4: ['user name or password wrong', 'check mqtt.username and mqtt.password'],
  5: ['not authorised', WHO],
  0x84: ['protocol version not supported', 'set mqtt.protocol: 4, or use a broker that speaks MQTT 5'],
  0x85: ['client id rejected', CLIENT_ID],
  0x86: ['user name or password wrong', 'check mqtt.username and mqtt.password'],
  0x87: ['not authorised', WHO],
  0x88: ['server unavailable', WAIT],
  0x89: ['server busy', WAIT],
  0x8a: ['banned', 'ask who runs the broker'],
  0x8b: ['server shutting down', WAIT],
  0x8c: ['authentication method not supported', 'punchd knows user name, password and client certificates'],
  0x8e: ['another client took over this client id', 'two gateways with one mqtt.clientId? Give each its own'],
  0x90: ['topic of the will invalid', 'set mqtt.topicPrefix to one that the broker allows'],
  0x95: ['packet too large', 'the broker must allow packets of some kilobytes'],
  0x96: ['message rate too high', WAIT],
  0x97: ['quota exceeded', WAIT],
  0x98: ['ended by an administrator', 'ask who runs the broker'],
  0x99: ['payload of the will invalid', WILL],
  0x9a: ['retained messages not supported', WILL],
  0x9b: ['QoS 1 not supported', WILL],
  0x9c: ['use another server', ELSEWHERE],
  0x9d: ['server moved', ELSEWHERE],
  0x9f: ['connection rate exceeded', WAIT],
  0xa0: ['longest time of a connection reached', WAIT],
}

export function clientRefusal(code: number): { readonly text: string; readonly hint: string } | undefined {
  const known = REFUSED[code]
  return known && { text: known[0], hint: known[1] }
}

/** [MQTT5 §3.14.2.1] A DISCONNECT with one of these is not about what was sent last: no record is to blame. */
const NOT_THE_RECORD = [0x00, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x93, 0x96, 0x97, 0x98, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2] // prettier-ignore
/** After these, coming back at once is what the broker does not want. */
const PATIENCE = [0x89, 0x8e, 0x96, 0x97, 0x98, 0x9c, 0x9d, 0x9f]

/** Could a record be why the broker ended the connection with this code? */
export function blamesRecord(code: number): boolean {
  return !NOT_THE_RECORD.includes(code)
}

export function wantsPatience(code: number): boolean {
  return PATIENCE.includes(code)
}

/** [MQTT5 §3.4.2.1] Success, but nobody subscribes: the record went nowhere. */
export const NO_SUBSCRIBERS = 0x10
