/** A twin of a port 4370 terminal in memory, and runs of its driver in front of it. */
import { fields, type Config } from '../../drivers/zk-4370/config.js'
import { driver } from '../../drivers/zk-4370/index.js'
import { memoryLine, type Line } from '../../simulators/line.js'
import { Zk4370, type Zk4370Options } from '../../simulators/zk-4370.js'
import { FakeClock } from './fake-clock.js'
import { optionDefaults, RecordingSession } from './session.js'

type Session = RecordingSession<Config, 'bytes'>
type TwinOptions = Partial<Omit<Zk4370Options, 'line' | 'clock'>>

/** 2026-11-20 08:00:00 and the seconds after it, as the terminal packs them. */
export const packed = (seconds: number): number => (26 * 372 + 10 * 31 + 19) * 86_400 + 8 * 3_600 + seconds

/** A terminal in memory, on a clock of its own, and runs of the driver one after the other: what is remembered stays. */
export class Hall {
  readonly clock: FakeClock
  readonly memory = new Map<string, string>()
  readonly #config: Config
  readonly twin: Zk4370
  session!: Session
  ended!: Promise<unknown>
  answer: RecordingSession<Config, 'bytes'>['answer'] = 'accepted'
  #line: Line | undefined
  #stop = new AbortController()
  readonly #mode: 'tcp' | 'udp'

  constructor(options: TwinOptions = {}, config: Partial<Config> = {}, clock = new FakeClock()) {
    this.clock = clock
    this.#mode = options.mode ?? 'tcp'
    this.#config = { ...optionDefaults(fields), ...config }
    // The terminal stays; its wire is a new one for every run.
    const outer: Line = {
      send: (bytes) => this.#line?.send(bytes) ?? 'lost',
      onReceive: undefined,
      unplug: () => this.#line?.unplug(),
      close: async () => this.#line?.close(),
    }
    this.twin = new Zk4370({ clock: this.clock, line: outer, ...options })
    this.#outer = outer
  }
  readonly #outer: Line

  async run(ms = 2_000): Promise<Session> {
    this.#stop = new AbortController()
    const { line, transport } = memoryLine(this.clock, this.#stop.signal)
    line.onReceive = (bytes) => this.#outer.onReceive?.(bytes)
    this.#line = line
    const parts = { config: this.#config, transport, clock: this.clock, signal: this.#stop.signal, scheme: this.#mode }
    this.session = new RecordingSession(parts)
    for (const [key, value] of this.memory) this.session.memory.set(key, value)
    this.session.answer = this.answer
    this.ended = driver.run(this.session).then(
      () => 'stopped',
      (error: unknown) => error,
    )
    await this.clock.advance(ms)
    return this.session
  }
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.ended
    for (const [key, value] of this.session?.memory ?? []) this.memory.set(key, value)
  }
  /** `up`, or how the run ended. */
  state(): Promise<unknown> {
    return Promise.race([this.ended, Promise.resolve('up')])
  }
  /** Rows that are remembered as read. */
  get readTo(): number {
    return Number(/"count":(\d+)/.exec(this.session.memory.get('log') ?? '')?.[1])
  }
  unplug(): unknown {
    return this.#line?.unplug()
  }
  asked(command: number): number {
    return this.twin.asked.get(command) ?? 0
  }
  /** Rows of the past, one a second; user numbers from 1000 on. */
  fill(count: number, from = 0): void {
    for (let row = from; row < from + count; row++) this.twin.append(String(1_000 + (row % 50)), { time: packed(row) })
  }
}
