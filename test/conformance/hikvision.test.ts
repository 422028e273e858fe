import { pointFields } from '../../drivers/hikvision/config.js'
import { driver } from '../../drivers/hikvision/index.js'
import { Hikvision } from '../../simulators/hikvision.js'
import type { Credential, Point } from '../../src/driver.js'
import { MemoryHttp, meaningOf } from '../support/hikvision.js'
import { optionDefaults } from '../support/session.js'
import { describeDriver } from './driver.js'

const PEOPLE = ['E-1001', '20077']
const SERIALS = ['K12345678', 'K12345679']
const points = SERIALS.map((serial, index): Point => ({
  id: `gate-${index}`,
  name: serial,
  match: { serial },
  options: {
    ...optionDefaults(pointFields.options),
    // One that is asked, one that only pushes.
    ...(index === 0 && { url: 'http://192.168.1.64', password: 'Secret-12' }),
  },
}))
const credentials = PEOPLE.map((value, index): Credential => ({ type: 'user', value, scope: `gate-${index}` }))

describeDriver({
  driver,
  folder: 'drivers/hikvision',
  points,
  scheme: 'http',
  config: { callback: 'http://192.168.1.10:8090', pathSecret: 'f00dcafe' },
  shows: 'none',
  // The listener is there though no terminal is: each point says for itself that it is silent.
  silence: 'normal',
  open: (clock, signal) => {
    const transport = new MemoryHttp(clock, signal)
    const { post } = transport
    const listener = 'http://192.168.1.10:8090/hik/f00dcafe'
    const twins = SERIALS.map((serial) => new Hikvision({ clock, signal, post, serial, listener, capacity: 64 }))
    if (twins[0]) transport.terminals.set('192.168.1.64', twins[0])
    return {
      transport,
      credentials,
      pointOf: (index) => points[index]?.id ?? '',
      present: (index) => void twins[index]?.punch({ employee: PEOPLE[index] ?? '', name: 'Zhang San' }),
      withdraw: () => undefined,
      unplug: () => transport.unplug(),
      mute: () => twins.forEach((twin) => (twin.isDead = true)),
      shown: () => [],
    }
  },
  decode: (pieces) => meaningOf(pieces),
})
