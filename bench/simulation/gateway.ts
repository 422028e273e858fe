/** The box at the door: one process after the other on one disk, and how each of them ends. */
import { messageOf, JournalError } from '../../src/errors.js'
import { isUnmade } from '../../src/journal/database.js'
import { between, type Random } from '../../simulators/random.js'
import type { Light, Stored } from '../faults/stored.js'
import type { CutAt, Disk } from './disk.js'
import type { FaultKind } from './kinds.js'
import type { Life } from './life.js'
import type { Machine } from './machine.js'
import type { Scheduler } from './scheduler.js'
import type { Trace } from './trace.js'

/** How systemd restarts it, and how long it lets it stop. */
const RESTART_MS = 2_000
const STOP_MS = 20_000
const BOOT_MS = 8_000
const SECOND = 1_000
const DAY = 86_400_000
/** What a journal may fail with without being broken. */
const EXPECTED = ['journal-full', 'journal-io']

export interface GatewayContext {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly trace: Trace
  readonly machine: Machine
  readonly disk: Disk
  readonly stored: Stored
  /** Makes a process; it is not started. */
  readonly process: () => Life
  /** The box is up, or a process of it ended: the network and the house see that. */
  readonly onBoot: () => void
  readonly onDeath: () => void
}

export class Gateway {
  readonly #context: GatewayContext
  life: Life | undefined
  /** Shown by the running process. */
  lights: Light[] = []
  /** What must never be. */
  readonly wrong: string[] = []
  /** The armed cut is one of the power. */
  #armedPower = false
  /** No process is started any more. */
  over = false
  #off = false
  /** Asked to stop. */
  #asked: Life | undefined
  #rebooting = false
  /** Milliseconds for which a process ran. */
  ranMs = 0
  #startedAt = 0

  constructor(context: GatewayContext) {
    this.#context = context
  }

  start(): void {
    if (this.over || this.#off || this.life) return
    const { disk, trace, scheduler } = this.#context
    disk.swap()
    this.lights = []
    this.life = this.#context.process()
    this.#startedAt = scheduler.now
    trace.note('gateway: a process starts')
    this.life.start()
  }

  get running(): boolean {
    return this.life !== undefined
  }

  kill(): void {
    if (!this.life) return
    this.#context.trace.fault('kill')
    this.#context.disk.kill('on')
    this.#died(RESTART_MS)
  }

  cutPower(): void {
    if (this.#off) return
    this.#context.trace.fault('power-cut')
    this.#context.disk.kill('cut')
    this.#powerOff()
  }

  /** The process, or the power, goes at the next commit. */
  arm(at: CutAt, power: boolean, share: number): void {
    if (!this.life) return
    this.#armedPower = power
    this.#context.disk.arm(at, share)
  }

  /** The armed cut came. */
  cut(at: CutAt): void {
    this.#context.trace.fault(`${this.#armedPower ? 'power-cut' : 'kill'}-${at}-commit` satisfies FaultKind)
    if (this.#armedPower) this.#powerOff()
    else this.#died(RESTART_MS)
  }

  /** Stopped and started again, as after a change of the configuration; or with the whole box. */
  stop(reboot: boolean): void {
    const { life } = this
    if (!life || life === this.#asked) return
    this.#asked = life
    const { trace, scheduler } = this.#context
    trace.fault(reboot ? 'reboot' : 'restart')
    life.terminate()
    this.#rebooting = reboot
    scheduler.after(STOP_MS, () => this.#mustHaveStopped(life), life)
  }

  #mustHaveStopped(life: Life): void {
    this.wrong.push('a process did not stop when it was asked to')
    this.#context.disk.kill('on')
    if (this.life === life) this.#died(RESTART_MS)
  }

  /** It ended by itself. */
  exited(life: Life, error: unknown): void {
    if (this.life !== life) return
    const { trace, disk } = this.#context
    const code = error instanceof JournalError ? error.code : error === undefined ? '' : messageOf(error)
    trace.note(`gateway: a process ended${code === '' ? '' : `: ${code}`}`)
    if (error !== undefined && !EXPECTED.includes(code)) this.wrong.push(`a process ended by itself: ${error instanceof Error ? (error.stack ?? code) : code}`) // prettier-ignore
    if (error === undefined && life !== this.#asked) this.wrong.push('a process ended though nobody asked it to')
    disk.kill('on')
    if (this.#rebooting) this.#powerOff()
    else this.#died(RESTART_MS)
    this.#rebooting = false
  }

  #powerOff(): void {
    const { scheduler, random } = this.#context
    const most = [30 * SECOND, 600 * SECOND, DAY, 260 * DAY]
    const offMs = between(random, SECOND, most[between(random, 0, most.length - 1)]!)
    this.#died(undefined)
    this.#off = true
    scheduler.after(offMs, () => this.#boot())
  }

  #boot(): void {
    const { machine, scheduler, trace } = this.#context
    machine.boot('unset')
    this.#off = false
    trace.fault('clock-not-set')
    this.#context.onBoot()
    scheduler.after(BOOT_MS, () => this.start())
  }

  /** Whatever it showed must be in what it left. */
  #died(restartMs: number | undefined): void {
    const { scheduler, stored, disk, onDeath } = this.#context
    if (!this.life) return
    this.life.alive = false
    this.life = undefined
    this.ranMs += scheduler.now - this.#startedAt
    // A first start that was cut short leaves nothing to look into.
    if (stored.ids.length > 0 || this.lights.length > 0 || !isUnmade(disk.left))
      this.#check(() => stored.check(this.lights))
    this.lights = []
    onDeath()
    if (restartMs !== undefined) scheduler.after(restartMs, () => this.start())
  }

  #check(look: () => void): void {
    try {
      look()
    } catch (error) {
      this.wrong.push(`what a process left cannot be read: ${messageOf(error)}`)
    }
  }

  /** The box sleeps: nothing of it runs, only its quartz. */
  suspend(ms: number): void {
    const { life } = this
    if (!life) return
    const { scheduler, machine, trace } = this.#context
    trace.fault('suspend', String(ms))
    scheduler.postpone(life, ms)
    this.ranMs -= ms
    life.frozenUntil = scheduler.now + ms
    machine.suspended(ms)
  }
}
