/** Keyboard wedges: readers and scanners that type, over the kernel's input events. */
import { DeviceError, type Driver, type Moment } from '../../src/driver.js'
import { EventDecoder, type EventSize } from './codec.js'
import { fields } from './config.js'
import { Intake, type Config } from './intake.js'
import { Listening } from './listening.js'
import { isHexBytes } from './number.js'

export const driver: Driver<typeof fields, 'bytes'> = {
  name: 'wedge',
  title: 'Keyboard wedges: USB readers and scanners that type',
  transport: 'bytes',
  schemes: ['input', 'tcp'],
  options: fields,

  async run(session) {
    const { config, clock } = session
    checkPrefix(config.prefix)
    // A keyboard takes no question, so it cannot be asked whether it reads cards. [WEDGE §1.1]
    session.ready({ model: 'keyboard wedge' })
    const decoder = new EventDecoder(eventSize(config.layout))
    const intake = new Intake(session)
    const chunks = new Listening(session.transport, clock)
    try {
      for (let latest: Moment | undefined; ;) {
        const step = await chunks.next(intake.waits ? config.timeout : undefined)
        if (step === 'silent') {
          if (latest) await intake.silent(latest)
          continue
        }
        if (step.done === true) return
        const { bytes, arrived } = step.value
        latest = arrived
        const { events, discarded } = decoder.push(bytes)
        if (discarded > 0) session.count('discardedBytes', discarded)
        await intake.take(events, arrived)
      }
    } finally {
      chunks.end()
    }
  },
}

/** The layout of an event follows the process that reads it, not the kernel. [WEDGE §1.1] */
function eventSize(layout: Config['layout']): EventSize {
  if (layout === 'auto') return ['arm', 'ia32', 'mips', 'mipsel'].includes(process.arch) ? 16 : 24
  return layout === '64-bit' ? 24 : 16
}

function checkPrefix(prefix: string): void {
  if (isHexBytes(prefix)) return
  const hint = 'options.prefix of this reader in the configuration: two hex digits for each byte, as in "0A"'
  throw new DeviceError('device-refused', `the prefix "${prefix}" is not made of hex bytes`, { hint })
}
