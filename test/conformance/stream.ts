/** Questions for drivers of byte streams: frames cut anywhere, noise between them, floods. */
import { strict as assert } from 'node:assert'
import type { OptionFields } from '../../src/config/options.js'
import type { TransportKind } from '../../src/driver.js'
import { between, randomBytes, seeded } from '../../simulators/random.js'
import { bytesOf, readVectors } from './files.js'
import type { Rig, StreamRig } from './rig.js'
import { Run } from './run.js'

const FLOOD_BYTES = 100_000
const SEED = 20_261_122

export function askAboutStream<Fields extends OptionFields, Kind extends TransportKind>(
  rig: Rig<Fields, Kind>,
  stream: StreamRig,
): void {
  it('decodes the same, wherever a frame is cut', () => {
    for (const vector of readVectors(rig.folder)) {
      const bytes = bytesOf(vector.hex)
      for (let at = 0; at <= bytes.length; at++) {
        const pieces = [bytes.slice(0, at), bytes.slice(at)]
        assert.deepEqual(rig.decode(pieces, vector), vector.meaning, `${vector.name}, cut at ${at}`)
      }
      const single = Array.from(bytes, (byte) => Uint8Array.of(byte))
      assert.deepEqual(rig.decode(single, vector), vector.meaning, `${vector.name}, byte by byte`)
    }
  })

  it('loses no presentation to noise between frames', async () => {
    const run = await Run.of(rig)
    const random = seeded(SEED)
    for (let time = 0; time < 100; time++) {
      assert.ok(run.device.send, 'the rig of a bytes driver needs `send`')
      run.device.send(randomBytes(random, between(random, 1, 40)))
      await run.present(time % 2)
      await run.withdraw()
      assert.equal(run.session.sightings.length, time + 1, `presentation ${time} after noise`)
      assert.equal(run.session.values[time], run.device.credentials[time % 2]?.value)
    }
    await run.end()
  })

  it(`holds no more than ${stream.maxHeld} bytes after ${FLOOD_BYTES} bytes of noise, and still works`, async () => {
    const noise = randomBytes(seeded(SEED), FLOOD_BYTES)
    for (let length = FLOOD_BYTES - 200; length <= FLOOD_BYTES; length++) {
      const held = stream.held(noise.subarray(0, length))
      assert.ok(held <= stream.maxHeld, `${held} bytes held after ${length}`)
    }
    const run = await Run.of(rig)
    run.device.send?.(noise)
    await run.present(0)
    assert.deepEqual(run.session.values, [run.device.credentials[0]?.value])
    await run.end()
  })
}
