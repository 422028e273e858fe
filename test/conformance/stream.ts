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

  it('loses no presentation to noise between frames (E04)', async () => {
    const run = await Run.of(rig)
    const random = seeded(SEED)
    for (let time = 0; time < 100; time++) {
      assert.ok(run.device.send, 'the rig of a bytes driver needs `send`')
      run.device.send(randomBytes(random, between(random, 1, 40)))
      endFrame(run, stream)
      await run.present(time % 2)
      await run.withdraw()
      assert.equal(run.session.sightings.length, time + 1, `presentation ${time} after noise`)
      assert.equal(run.session.values[time], run.device.credentials[time % 2]?.value)
    }
    await run.end()
  })

  if (stream.asked === true) askAboutUnasked(rig)
  else askAboutFrames(rig, stream)

  it(`holds no more than ${stream.maxHeld} bytes after ${FLOOD_BYTES} bytes of noise, and still works (E04)`, async () => {
    const noise = randomBytes(seeded(SEED), FLOOD_BYTES)
    const lengths = [FLOOD_BYTES, ...Array.from({ length: 200 }, (_, index) => 2_000 + index)]
    for (const length of lengths) {
      const held = stream.held(noise.subarray(0, length))
      assert.ok(held <= stream.maxHeld, `${held} bytes held after ${length}`)
    }
    const run = await Run.of(rig)
    run.device.send?.(noise)
    endFrame(run, stream)
    await run.present(0)
    assert.deepEqual(run.session.values, [run.device.credentials[0]?.value])
    await run.end()
  })
}

/** Frames that come by themselves: each is a presentation. */
function askAboutFrames<Fields extends OptionFields, Kind extends TransportKind>(
  rig: Rig<Fields, Kind>,
  stream: StreamRig,
): void {
  it('reports every frame of a chunk, the first of each card', async () => {
    const run = await Run.of(rig)
    const frames = goodFrames(rig).slice(0, 2)
    run.device.send?.(Uint8Array.from(frames.flatMap((frame) => [...frame])))
    await run.clock.advance(1)
    assert.equal(run.session.sightings.length, frames.length, `${frames.length} frames came in one chunk`)
    await run.end()
  })

  it('stamps a frame with the arrival of its last byte', async () => {
    const run = await Run.of(rig)
    const [frame] = goodFrames(rig)
    assert.ok(frame, 'vectors.json needs a frame that stands for a card')
    run.device.send?.(frame.slice(0, 3))
    await run.clock.advance(20)
    run.device.send?.(frame.slice(3))
    await run.clock.advance(0)
    assert.equal(run.session.sightings[0]?.arrived.uptime, run.clock.uptime())
    await run.end()
  })

  it('loses no frame behind the beginning of another (E05)', async () => {
    for (const frame of goodFrames(rig)) {
      for (let length = 1; length < frame.length; length++) {
        const run = await Run.of(rig)
        run.device.send?.(frame.slice(0, length))
        endFrame(run, stream)
        run.device.send?.(frame)
        await run.clock.advance(1)
        assert.equal(
          run.session.sightings.length,
          1,
          `behind the first ${length} bytes of a frame: resynchronise in it`,
        )
        await run.end()
      }
    }
  })

  it('reports no other credential when a bit is wrong, and counts the bad frame (E06)', async () => {
    const run = await Run.of(rig)
    const right = new Set(goodFrames(rig).map((frame) => Buffer.from(frame).toString('hex')))
    for (const frame of goodFrames(rig).slice(0, 3)) {
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const wrong = Uint8Array.from(frame)
        wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        if (right.has(Buffer.from(wrong).toString('hex'))) continue
        run.device.send?.(wrong)
        await run.clock.advance(rig.restMs ?? 2_000)
      }
    }
    const { badFrames, discardedBytes } = run.session.counters
    if (stream.checked !== false) {
      const allowed = new Set(await valuesOf(rig))
      const invented = run.session.values.filter((value) => !allowed.has(value))
      assert.deepEqual(invented, [], 'reported from a damaged frame')
    }
    assert.ok(badFrames + discardedBytes > 0, 'damaged frames count: session.count("badFrames")')
    await run.end()
  })
}

/** Where frames have an end and no beginning, what stands before one would belong to it. */
function endFrame<F extends OptionFields, K extends TransportKind>(run: Run<F, K>, { delimiter }: StreamRig): void {
  if (delimiter !== undefined) run.device.send?.(Buffer.from(delimiter, 'latin1'))
}

/** A device that speaks when asked: what comes unasked, good or damaged, is nobody. */
function askAboutUnasked<Fields extends OptionFields, Kind extends TransportKind>(rig: Rig<Fields, Kind>): void {
  it('takes frames that nobody asked for as nobody, and goes on', async () => {
    const run = await Run.of(rig)
    for (const frame of goodFrames(rig)) {
      for (let length = 1; length <= frame.length; length++) {
        run.device.send?.(frame.slice(0, length))
        await run.clock.advance(7)
      }
    }
    await run.clock.advance(rig.restMs ?? 2_000)
    assert.deepEqual(run.session.values, [], 'a credential out of an answer to no question')
    await run.present(0)
    assert.deepEqual(run.session.values, [run.device.credentials[0]?.value])
    await run.end()
  })
}

/** The vectors that make a driver report, each in a run of its own: whole, good frames. */
function goodFrames<F extends OptionFields, K extends TransportKind>(rig: Rig<F, K>): Uint8Array[] {
  return readVectors(rig.folder)
    .filter(({ card }) => card === true)
    .map(({ hex }) => bytesOf(hex))
}

/** What the driver reports for them undamaged. */
async function valuesOf<F extends OptionFields, K extends TransportKind>(rig: Rig<F, K>): Promise<string[]> {
  const run = await Run.of(rig)
  for (const frame of goodFrames(rig)) {
    run.device.send?.(frame)
    await run.clock.advance(rig.restMs ?? 2_000)
  }
  await run.end()
  return run.session.values
}
