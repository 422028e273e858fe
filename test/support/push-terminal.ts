/** Push terminals over a real network, with a cable that can be pulled. */
import { httpSender } from '../../simulators/push-sender.js'
import { ZkPush, type ZkPushOptions } from '../../simulators/zk-push.js'
import { SystemClock } from '../../src/clock.js'

export class PushTerminal {
  readonly twin: ZkPush
  /** Nothing gets through while it is set. */
  isCut = false
  /** Called with each request before it is sent. */
  onSend: ((url: string) => void) | undefined
  readonly #off = new AbortController()
  readonly #running: Promise<void>

  constructor(port: number, options: Omit<ZkPushOptions, 'clock' | 'send'>) {
    const send = httpSender(`http://127.0.0.1:${port}`)
    this.twin = new ZkPush({
      clock: new SystemClock(),
      send: async (method, url, body) => {
        this.onSend?.(url)
        if (this.isCut) throw new Error('no network')
        return send(method, url, body)
      },
      ...options,
    })
    this.#running = this.twin.run(this.#off.signal)
  }

  async off(): Promise<void> {
    this.#off.abort()
    await this.#running
  }
}
