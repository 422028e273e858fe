/** One run of the driver under test, on a fake clock with a twin behind it. */
import type { OptionFields, OptionValues } from '../../src/config/options.js'
import type { Clock, TransportKind } from '../../src/driver.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'
import type { Rig, RigDevice } from './rig.js'

const NOTICE_MS = 500
const REST_MS = 2_000

export class Run<Fields extends OptionFields, Kind extends TransportKind> {
  readonly clock: FakeClock
  readonly device: RigDevice<Kind>
  readonly session: RecordingSession<OptionValues<Fields>, Kind>
  /** Ends the driver's session. */
  readonly stop: AbortController
  /** How the run ended; `running` until it did. */
  ending: 'running' | 'resolved' | { readonly error: unknown } = 'running'
  readonly done: Promise<void>
  readonly #rig: Rig<Fields, Kind>

  private constructor(rig: Rig<Fields, Kind>, clock: FakeClock, device: RigDevice<Kind>, stop: AbortController) {
    this.#rig = rig
    this.clock = clock
    this.device = device
    this.stop = stop
    const config = { ...optionDefaults<Fields>(rig.driver.options), ...rig.config }
    // Moments of the driver's own making look alike, but are not those that came with the bytes.
    const own: Clock = {
      now: () => Object.freeze({ ...clock.now() }),
      uptime: () => clock.uptime(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    }
    const { points = [], scheme = 'serial' } = rig
    const { transport } = device
    this.session = new RecordingSession({ config, transport, clock: own, signal: stop.signal, points, scheme })
    this.done = rig.driver.run(this.session).then(
      () => void (this.ending = 'resolved'),
      (error: unknown) => void (this.ending = { error }),
    )
  }

  static async of<Fields extends OptionFields, Kind extends TransportKind>(
    rig: Rig<Fields, Kind>,
    prepare: (device: RigDevice<Kind>) => void | Promise<void> = () => undefined,
  ): Promise<Run<Fields, Kind>> {
    const clock = new FakeClock()
    const stop = new AbortController()
    const device = await rig.open(clock, stop.signal)
    await prepare(device)
    const run = new Run(rig, clock, device, stop)
    await clock.advance(rig.startMs ?? 0)
    return run
  }

  /** Presents and waits until the driver must have noticed. */
  async present(index: number): Promise<void> {
    await this.device.present(index)
    await this.clock.advance(this.#rig.noticeMs ?? NOTICE_MS)
  }

  async withdraw(): Promise<void> {
    await this.device.withdraw()
    await this.clock.advance(this.#rig.restMs ?? REST_MS)
  }

  /** Aborts the session and waits for the driver's end. */
  async end(): Promise<void> {
    this.stop.abort()
    await this.done
  }
}
