/**
 * The conformance suite: the same questions for every driver. A driver's own test file makes a `Rig` and calls
 * `describeDriver(rig)`; what is particular to its wire stands in test/drivers/.
 */
import type { OptionFields } from '../../src/config/options.js'
import type { TransportKind } from '../../src/driver.js'
import { askAboutFiles } from './files.js'
import { askAboutPresentations } from './presentations.js'
import type { Rig } from './rig.js'
import { askAboutEndings } from './endings.js'
import { askAboutStream } from './stream.js'

export type { Rig, RigDevice, StreamRig, Vector } from './rig.js'

export function describeDriver<Fields extends OptionFields, Kind extends TransportKind>(rig: Rig<Fields, Kind>): void {
  describe(`conformance of ${rig.driver.name}`, () => {
    askAboutFiles(rig)
    askAboutPresentations(rig)
    askAboutEndings(rig)
    if (rig.stream !== undefined) askAboutStream(rig, rig.stream)
    else if (rig.driver.transport === 'bytes') it('answers the byte-stream questions', () => missingStreamRig())
  })
}

function missingStreamRig(): never {
  throw new Error('the rig of a bytes driver needs `stream`')
}
