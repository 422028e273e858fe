/**
 * Every reason code with which a broker of MQTT 5 may answer a publisher, and what the daemon must do about it.
 * [MQTT5 §3.2.2.2 CONNACK, §3.4.2.1 PUBACK, §3.14.2.1 DISCONNECT]
 */

/**
 * `again`: by the usual pauses. `wait`: with longer ones, or without an end to patience. `operator`: by the usual pauses,
 * and a person is told what to do. `blame`: by the usual pauses; when it goes on, the record is set aside. `park`: the
 * record is set aside at once. `retry`: the record keeps its place, and is set aside when it is refused for the fifth time.
 */
export type Due = 'taken' | 'again' | 'wait' | 'operator' | 'blame' | 'park' | 'retry'

export interface CodeCase {
  readonly packet: 'CONNACK' | 'PUBACK' | 'DISCONNECT'
  readonly code: number
  readonly name: string
  readonly due: Due
}

type Line = readonly [code: number, name: string, due: Due]

const CONNACK: readonly Line[] = [
  [0x80, 'unspecified error', 'again'],
  [0x81, 'malformed packet', 'again'],
  [0x82, 'protocol error', 'again'],
  [0x83, 'implementation specific error', 'again'],
  [0x84, 'unsupported protocol version', 'operator'],
  [0x85, 'client identifier not valid', 'operator'],
  [0x86, 'bad user name or password', 'operator'],
  [0x87, 'not authorized', 'operator'],
  [0x88, 'server unavailable', 'again'],
  [0x89, 'server busy', 'again'],
  [0x8a, 'banned', 'operator'],
  [0x8c, 'bad authentication method', 'operator'],
  [0x90, 'topic name invalid', 'operator'],
  [0x95, 'packet too large', 'operator'],
  [0x97, 'quota exceeded', 'again'],
  [0x99, 'payload format invalid', 'operator'],
  [0x9a, 'retain not supported', 'operator'],
  [0x9b, 'QoS not supported', 'operator'],
  [0x9c, 'use another server', 'operator'],
  [0x9d, 'server moved', 'operator'],
  [0x9f, 'connection rate exceeded', 'again'],
]

const PUBACK: readonly Line[] = [
  [0x00, 'success', 'taken'],
  [0x10, 'no matching subscribers', 'taken'],
  [0x80, 'unspecified error', 'retry'],
  [0x83, 'implementation specific error', 'retry'],
  [0x87, 'not authorized', 'park'],
  [0x90, 'topic name invalid', 'park'],
  [0x91, 'packet identifier in use', 'retry'],
  // No code of a PUBACK; mosquitto sends it, and mqtt.js ends the connection over it.
  [0x95, 'packet too large', 'blame'],
  [0x97, 'quota exceeded', 'wait'],
  [0x99, 'payload format invalid', 'park'],
]

const DISCONNECT: readonly Line[] = [
  [0x00, 'normal disconnection', 'again'],
  [0x80, 'unspecified error', 'blame'],
  [0x81, 'malformed packet', 'blame'],
  [0x82, 'protocol error', 'blame'],
  [0x83, 'implementation specific error', 'blame'],
  [0x87, 'not authorized', 'blame'],
  [0x89, 'server busy', 'wait'],
  [0x8b, 'server shutting down', 'again'],
  [0x8d, 'keep alive timeout', 'again'],
  [0x8e, 'session taken over', 'wait'],
  [0x8f, 'topic filter invalid', 'again'],
  [0x90, 'topic name invalid', 'blame'],
  [0x93, 'receive maximum exceeded', 'again'],
  [0x94, 'topic alias invalid', 'blame'],
  [0x95, 'packet too large', 'blame'],
  [0x96, 'message rate too high', 'wait'],
  [0x97, 'quota exceeded', 'wait'],
  [0x98, 'administrative action', 'wait'],
  [0x99, 'payload format invalid', 'blame'],
  [0x9a, 'retain not supported', 'operator'],
  [0x9b, 'QoS not supported', 'operator'],
  [0x9c, 'use another server', 'wait'],
  [0x9d, 'server moved', 'wait'],
  [0x9e, 'shared subscriptions not supported', 'again'],
  [0x9f, 'connection rate exceeded', 'wait'],
  [0xa0, 'maximum connect time', 'again'],
  [0xa1, 'subscription identifiers not supported', 'again'],
  [0xa2, 'wildcard subscriptions not supported', 'again'],
]

export const CODE_CASES: readonly CodeCase[] = [
  ...casesOf('CONNACK', CONNACK),
  ...casesOf('PUBACK', PUBACK),
  ...casesOf('DISCONNECT', DISCONNECT),
]

function casesOf(packet: CodeCase['packet'], lines: readonly Line[]): CodeCase[] {
  return lines.map(([code, name, due]) => ({ packet, code, name, due }))
}
