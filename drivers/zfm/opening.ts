/** The first conversation with a module: who is it, and what can it do? */
import { DeviceError, type DeviceIdentity } from '../../src/driver.js'
import { asciiOf, CODE, COMMAND, parametersIn, productIn, type Parameters } from './codec.js'
import type { LightKind } from './light.js'
import { refusal, type Sensor, type Session } from './sensor.js'

export interface Opened {
  readonly identity: DeviceIdentity
  readonly capacity: number
  readonly light: LightKind
  readonly captures: number
  /** Serial number, or what stands for it: a module without one is known by its parameters only. */
  readonly module: string
}

/** [ZFM §6, Open] The power-on byte 55 is not waited for: many modules send none. */
export async function open(session: Session, sensor: Sensor): Promise<Opened> {
  const { config } = session
  await sensor.verify()
  const ring = await shakesHands(sensor)
  if (config.security > 0) await setSecurity(sensor, config.security)
  const parameters = await readParameters(sensor)
  // Only the modules with a ring know these two.
  const info = ring ? await sensor.askMaybe(COMMAND.productInfo) : undefined
  const product = info && productIn(info.payload)
  const version = ring ? await sensor.askMaybe(COMMAND.firmware) : undefined
  const firmware = version ? asciiOf(version.payload.slice(1)) : ''
  const capacity = config.capacity > 0 ? config.capacity : parameters.capacity
  if (capacity === 0) {
    throw new DeviceError('device-refused', 'the fingerprint module does not say how many slots it has', {
      hint: 'set options.capacity to the number in its datasheet (AS608: 162)',
    })
  }
  const identity = {
    model: `${product?.model ?? (ring ? 'R503 class' : 'ZFM class')}, ${capacity} slots, security ${parameters.security}, ${parameters.packetBytes} byte packets`,
    ...(firmware !== '' && { firmware }),
    ...(product && product.serial !== '' && { serial: product.serial }),
  }
  const light = config.light === 'auto' ? (ring ? 'aura' : 'backlight') : config.light
  const captures = config.captures > 1 ? config.captures : ring ? 4 : 2
  return { identity, capacity, light, captures, module: product?.serial ?? `capacity ${capacity}` }
}

/** True for the R503 and its relatives. Older modules know another handshake, or none: their password proved them. [ZFM §3] */
async function shakesHands(sensor: Sensor): Promise<boolean> {
  if (await sensor.askMaybe(COMMAND.handshake)) return true
  await sensor.askMaybe(COMMAND.echo)
  return false
}

async function setSecurity(sensor: Sensor, level: number): Promise<void> {
  const { code } = await sensor.ask(COMMAND.setSecurity(level))
  if (code !== CODE.ok) throw refusal(`security level ${level}`, code)
}

async function readParameters(sensor: Sensor): Promise<Parameters> {
  const { code, payload } = await sensor.ask(COMMAND.readParameters)
  const parameters = code === CODE.ok ? parametersIn(payload) : undefined
  if (!parameters) throw refusal('reading its parameters', code)
  return parameters
}
