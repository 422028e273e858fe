/** What people ask of a module: enrol, remove, list, show yourself. */
import type { ReaderRequest } from '../../src/driver.js'
import { CODE, COMMAND } from './codec.js'
import { Enrolment, type EnrolmentParts } from './enrolment.js'
import { ranges } from './library.js'
import type { Light } from './light.js'
import { refusal } from './sensor.js'

const IDENTIFY_MS = 5_000

/** Serves one request to its end. Throws when the module is lost: the request then ends with the run. */
export async function serve(request: ReaderRequest, parts: EnrolmentParts, light: Light): Promise<void> {
  const { library, session } = parts
  if (request.kind !== 'identify' && !library.isListed) {
    const hint = "enrol at it with its maker's program; the fingers in it are recognised all the same"
    return request.fail('this module does not tell which of its slots are in use', hint)
  }
  switch (request.kind) {
    case 'enroll':
      await light.show('waiting')
      try {
        await new Enrolment(parts, request).run()
      } finally {
        if (!session.signal.aborted) await light.show('off')
      }
      return
    case 'remove':
      return remove(request, parts)
    case 'list':
      return request.done({ slots: ranges(library.slots), count: library.slots.size, capacity: library.capacity })
    case 'identify':
      request.progress('showing', 'The sensor shows itself for five seconds.')
      await light.show('waiting')
      await parts.sensor.pause(IDENTIFY_MS)
      await light.show('off')
      return request.done()
    default:
      return request.fail('a fingerprint module cannot be asked that')
  }
}

async function remove(request: ReaderRequest, { session, sensor, library }: EnrolmentParts): Promise<void> {
  const { slot } = request.args
  if (typeof slot !== 'number' || !Number.isInteger(slot) || slot < 0 || slot >= library.capacity)
    return request.fail(`that slot does not exist: this module has 0 to ${library.capacity - 1}`)
  if (!library.slots.has(slot))
    return request.fail(`slot ${slot} is empty`, `punchd enroll ${session.readerId} --list shows those in use`)
  const { code } = await sensor.ask(COMMAND.remove(slot))
  if (code !== CODE.ok) return request.fail(refusal(`removing slot ${slot}`, code).message)
  library.settled(slot, false)
  request.done({ slot })
}
