/**
 * One connection to the broker, from CONNECT to its end. A new one is a new client: mqtt.js's own queue and
 * its resending must never own a record.
 */
import { readFileSync } from 'node:fs'
import type { IClientOptions, IConnackPacket, MqttClient, OnConnectCallback, Packet } from 'mqtt'
import type { MqttConfig } from '../config/config.js'
import type { TransportError } from '../errors.js'
import { ConfigError, messageOf, PublishError } from '../errors.js'
import { createClient } from './client.js'
import { PacketIds } from './ids.js'
import { connectError, disconnected, lostConnection, refusal } from './endings.js'
import { NO_SUBSCRIBERS } from './reasons.js'
import { Slots } from './slots.js'

/** What the broker allows, from its CONNACK. */
export interface Limits {
  readonly receiveMaximum: number
  readonly maximumPacketSize: number
  readonly retain: boolean
}

export interface Will {
  readonly topic: string
  readonly payload: string
}

/** A message that came. */
export interface Heard {
  readonly payload: Uint8Array
  readonly retained: boolean
}

const CONNECT_TIMEOUT_MS = 10_000
const KEEPALIVE_S = 30
const LARGEST_HEARD = 1_048_576
/** Header, topic length and properties of a PUBLISH: what a payload is not. */
const PACKET_OVERHEAD = 64

export class Connection {
  readonly limits: Limits
  /** Resolves with the reason when the connection is over. */
  readonly ended: Promise<TransportError>
  /** Publishes acknowledged with "no matching subscribers". */
  unheard = 0
  /** Reason code of the DISCONNECT with which the broker ended it. */
  endCode: number | undefined
  readonly #client: MqttClient
  readonly #pending = new Set<(error: PublishError) => void>()
  readonly #slots: Slots
  #over: TransportError | undefined

  private constructor(client: MqttClient, limits: Limits) {
    this.#client = client
    this.limits = limits
    this.#slots = new Slots(limits.receiveMaximum)
    this.ended = new Promise((resolve) => {
      const end = (why: TransportError): void => {
        if (this.#over) return
        this.#over = why
        const lost = new PublishError('retry', 'publish-offline', why.message)
        for (const fail of this.#pending) fail(lost)
        this.#pending.clear()
        client.end(true)
        resolve(why)
      }
      client.on('close', () => end(lostConnection('the connection to the broker was closed')))
      client.on('error', (error) => end(connectError(error)))
      client.on('disconnect', ({ reasonCode = 0 }) => {
        this.endCode ??= reasonCode
        end(disconnected(reasonCode))
      })
      client.on('packetreceive', (packet: Packet) => {
        if (packet.cmd === 'puback' && packet.reasonCode === NO_SUBSCRIBERS) this.unheard += 1
      })
    })
  }

  /** Connects, or rejects with TransportError. */
  static open(url: string, config: MqttConfig, will: Will, signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const client = createClient(url, clientOptions(config, will))
      const fail = (error: TransportError): void => {
        letGo()
        client.on('error', () => undefined)
        client.end(true)
        reject(error)
      }
      const onError = (error: Error): void => fail(connectError(error))
      const onClose = (): void => fail(lostConnection('the broker closed the connection before it was made'))
      const abort = (): void => fail(lostConnection('stopped'))
      // Ours only: those that mqtt.js has on itself end its timers, which would keep a stopped process for ten seconds.
      const letGo = (): void => {
        signal.removeEventListener('abort', abort)
        client.off('error', onError).off('close', onClose).off('connect', onConnect)
      }
      const onConnect: OnConnectCallback = (packet) => {
        letGo()
        resolve(new Connection(client, limitsOf(packet)))
      }
      signal.addEventListener('abort', abort, { once: true })
      client.on('error', onError).on('close', onClose).on('connect', onConnect)
    })
  }

  /** Publishes with QoS 1. Resolves on a PUBACK below 0x80; rejects with PublishError. */
  publish(topic: string, payload: string | Buffer, retain = false): Promise<void> {
    if (this.#over) return Promise.reject(new PublishError('retry', 'publish-offline', this.#over.message))
    const oversized = this.#oversized(topic, payload)
    if (oversized) return Promise.reject(oversized)
    return new Promise((resolve, reject) => {
      this.#pending.add(reject)
      // No MQTT 5 properties: mqtt.js clones and encodes them anew for each packet, a third of all its work.
      const options = { qos: 1, retain: retain && this.limits.retain } as const
      const answered = (error?: Error): void => {
        // point: mqtt.acknowledged
        // What the end of the connection failed already, is not this callback's to judge.
        if (!this.#pending.delete(reject)) return
        this.#slots.give()
        if (!error) return resolve()
        const refused = refusal(error)
        reject(refused)
        // mqtt.js itself did not take it: whatever state it is in, the next connection begins anew.
        if (refused.code === 'publish-offline') this.drop()
      }
      this.#slots.take(() => this.#client.publish(topic, payload, options, answered))
    })
  }

  /**
   * Hears a topic; call it once. Resolves when the broker agreed; rejects with PublishError when it refuses, or the
   * connection ends first.
   */
  subscribe(topic: string, heard: (message: Heard) => void): Promise<void> {
    this.#client.on('message', (_topic, payload, { retain }) => heard({ payload, retained: retain }))
    return new Promise((resolve, reject) => {
      this.#pending.add(reject)
      this.#client.subscribe(topic, { qos: 1 }, (error, granted) => {
        if (!this.#pending.delete(reject)) return
        const code = granted?.[0]?.qos ?? 0
        if (!error && code < 0x80) return resolve()
        reject(new PublishError('retry', 'publish-refused', `the broker refuses: ${error?.message ?? code}`))
      })
    })
  }

  #oversized(topic: string, payload: string | Buffer): PublishError | undefined {
    const limit = this.limits.maximumPacketSize
    if (limit === Infinity) return undefined
    // mqtt.js does not enforce it, and the broker answers an oversized packet by closing the connection.
    const size = Buffer.byteLength(payload) + Buffer.byteLength(topic) + PACKET_OVERHEAD
    if (size <= limit) return undefined
    return new PublishError(
      'park',
      'publish-oversized',
      `record of ${size} bytes is larger than the broker takes (${limit})`,
    )
  }

  /** Ends at once without a farewell: the will is sent. For a connection that no longer answers. */
  drop(): void {
    this.#client.stream.destroy()
  }

  /** Says goodbye: the will is not sent. */
  async close(): Promise<void> {
    await this.#client.endAsync().catch(() => undefined)
  }
}

function limitsOf({ properties = {} }: IConnackPacket): Limits {
  const { receiveMaximum = 65_535, maximumPacketSize = Infinity, retainAvailable = true } = properties
  return { receiveMaximum, maximumPacketSize, retain: retainAvailable }
}

function clientOptions(config: MqttConfig, will: Will): IClientOptions {
  return {
    protocolVersion: config.protocol,
    clientId: config.clientId,
    ...(config.username === undefined ? {} : { username: config.username }),
    ...(config.password === undefined ? {} : { password: config.password }),
    ...tlsFiles(config.tls),
    // Clean: the journal is the session. A reconnect replays from the watermark.
    clean: true,
    keepalive: KEEPALIVE_S,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    queueQoSZero: false,
    messageIdProvider: new PacketIds(),
    // By default it asks `debug` a dozen times for each record whether that is wanted.
    log: () => undefined,
    resubscribe: false,
    // Receipts are small: whatever else is sent there must not fill the memory.
    ...(config.settle === 'receipt' && config.protocol === 5 && { properties: { maximumPacketSize: LARGEST_HEARD } }),
    will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
  }
}

function tlsFiles(tls: MqttConfig['tls']): Pick<IClientOptions, 'ca' | 'cert' | 'key'> {
  const read = (name: 'ca' | 'cert' | 'key') => {
    const file = tls[name]
    if (file === undefined) return {}
    try {
      return { [name]: readFileSync(file) }
    } catch (error) {
      throw new ConfigError('config-unreadable', `mqtt.tls.${name} cannot be read: ${messageOf(error)}`)
    }
  }
  return { ...read('ca'), ...read('cert'), ...read('key') }
}
