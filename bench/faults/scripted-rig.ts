/** Journal, outbox and publisher, wired as in the daemon, with a scripted broker that misbehaves until it is mended. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttConfig } from '../../src/config/config.js'
import { fill } from '../../test/support/records.js'
import { ScriptedBroker, type Script } from '../../test/support/scripted-broker.js'
import { mqttConfig, Sending } from '../../test/support/sending.js'
import { mostWithin } from './line-report.js'
import { Received, type Arrived } from './received.js'

/** How many times as fast the clock runs. */
export const SPEED = 20
export const MINUTE_MS = 60_000 / SPEED
/** Doubling pauses from half a second. */
export const USUAL_A_MINUTE = 10
export const ARRIVE_MS = 20_000

export class ScriptedRig {
  readonly received = new Received()
  readonly broker: ScriptedBroker
  readonly sending: Sending

  private constructor(broker: ScriptedBroker, folder: string, over: Partial<MqttConfig>) {
    this.broker = broker
    broker.onTaken = (text) => this.received.take(JSON.parse(text) as Arrived)
    // Keys and anchor lie beside a journal: each has a folder of its own.
    mkdirSync(folder, { recursive: true })
    this.sending = new Sending(join(folder, 'journal.db'), mqttConfig(broker.url, over), SPEED)
  }

  static async start(
    folder: string,
    script: (rig: ScriptedRig) => Script,
    records: number,
    over: Partial<MqttConfig> = {},
  ): Promise<ScriptedRig> {
    const broker = await ScriptedBroker.start()
    const rig = new ScriptedRig(broker, folder, over)
    broker.script = script(rig)
    fill(rig.sending.journal, records)
    rig.sending.outbox.appended()
    return rig
  }

  get connectsAMinute(): number {
    return mostWithin(this.broker.connects, MINUTE_MS)
  }

  /** Something was set aside, now or before. */
  get everParked(): boolean {
    return this.sending.log.lines.some(({ fields }) => fields['event'] === 'record-parked')
  }

  /** The fault is over: a new connection, and a person sends what only a person sends. Returns what is wrong after that. */
  async mend(): Promise<string[]> {
    const { broker, sending, received } = this
    broker.script = {}
    broker.cutAll()
    const deadline = performance.now() + ARRIVE_MS
    while (performance.now() < deadline) {
      const [parked] = sending.journal.parked(1)
      if (!parked && sending.done && received.received >= sending.journal.lastSeq) break
      // The connection may be gone, or not be there yet.
      if (parked) await sending.outbox.retry(parked).catch(() => undefined)
      await sleep(20)
    }
    const lost = sending.journal.lastSeq - received.received
    return [
      ...(lost > 0 ? [`${lost} records lost`] : []),
      ...(received.renumbered > 0 ? ['a number came with two ids'] : []),
    ]
  }

  async close(): Promise<void> {
    await this.sending.close()
    await this.broker.close()
  }
}
