/** The parts of a stage around the daemon: a folder, a broker, the readers, a pcscd for those that need one. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../src/driver.js'
import { PrivatePcscd } from '../pcsc/pcscd.js'
import type { ReaderPlan } from '../scenario/scenario.js'
import { TWINS } from '../scenario/twins.js'
import type { BrokerName } from './broker-name.js'
import { startBroker, type Broker } from './broker.js'
import type { GatewayReader } from './gateway.js'
import { freePort } from '../free-port.js'
import { buildReader, possible, type SimReader } from './readers.js'

export interface EquipmentOptions {
  readonly readers: readonly ReaderPlan[]
  readonly seed: number
  readonly broker?: BrokerName | undefined
  /** Of the broker; default: a free one. */
  readonly port?: number | undefined
  /** The folder stays. */
  readonly keep?: boolean | undefined
}

export interface Equipment {
  readonly folder: string
  readonly broker: Broker
  readonly pcscd: PrivatePcscd | undefined
  readonly readers: readonly SimReader[]
  /** The same readers for the configuration of the daemon. */
  readonly configured: readonly GatewayReader[]
  /** Readers of the plan that this machine cannot have. */
  readonly left: readonly { readonly id: string; readonly why: string }[]
}

/** What has to be ended, newest first. */
export class Closers {
  readonly #closers: (() => unknown)[] = []

  add(close: () => unknown): void {
    this.#closers.push(close)
  }

  own<T extends { close(): unknown }>(part: T): T {
    this.add(() => part.close())
    return part
  }

  /** Ends everything, also when something does not end well; then throws what that was. Safe to call twice. */
  async close(): Promise<void> {
    const failures: unknown[] = []
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

export async function equip(options: EquipmentOptions, clock: Clock, closers: Closers): Promise<Equipment> {
  const { plans, left } = await possible(options.readers)
  const folder = mkdtempSync(join(tmpdir(), 'punchd-sim-'))
  closers.add(() => options.keep !== true && rmSync(folder, { recursive: true, force: true }))
  const port = options.port ?? (await freePort())
  const broker = closers.own(await startBroker(join(folder, 'broker'), port, options.broker))
  const pcscd = plans.some(({ twin }) => twin === 'pcsc') ? await PrivatePcscd.start() : undefined
  closers.add(() => pcscd?.stop())
  const readers: SimReader[] = []
  const configured: GatewayReader[] = []
  for (const [index, plan] of plans.entries()) {
    const slot = plans.slice(0, index).filter(({ twin }) => twin === plan.twin).length
    const reader = await buildReader(plan, { folder, seed: options.seed + index, clock, pcscd, slot })
    readers.push(closers.own(reader))
    configured.push(configuredReader(plan, reader))
  }
  return { folder, broker, pcscd, readers, configured, left }
}

function configuredReader({ twin, direction, place }: ReaderPlan, { id, url, options }: SimReader): GatewayReader {
  return { id, driver: TWINS[twin].driver, transport: url, direction, place, options }
}
