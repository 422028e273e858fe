/** The broker of a stage: a mosquitto of its own where there is one, else aedes inside this process. */
import { EXIT, VerbError } from '../../src/errors.js'
import type { BrokerName } from './broker-name.js'
import { findProgram } from './process.js'

export interface Broker {
  /** For people: `mosquitto, MQTT 5`. */
  readonly title: string
  readonly host: string
  readonly port: number
  readonly protocol: 4 | 5
  readonly isUp: boolean
  /** Goes away as a broker does that is stopped: its clients lose their connections, sessions are kept. */
  down(): Promise<void>
  up(): Promise<void>
  close(): Promise<void>
}

/** Starts one on 127.0.0.1. `folder` is its own. */
export async function startBroker(folder: string, port: number, wanted?: BrokerName): Promise<Broker> {
  const program = wanted === 'aedes' ? undefined : findProgram('mosquitto')
  if (program !== undefined) return (await import('./mosquitto.js')).startMosquitto(program, folder, port)
  if (wanted === 'mosquitto') {
    throw new VerbError(EXIT.unavailable, 'broker-unreachable', 'mosquitto is not installed', {
      hint: 'sudo apt install mosquitto',
    })
  }
  return (await import('./aedes.js')).startAedes(port)
}
