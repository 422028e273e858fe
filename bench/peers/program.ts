/**
 * A peer that is a program of this folder. It is told `produce FROM COUNT` on its input and answers, a line each, with
 * `ready` once, with every number that it accepted, and with `done FROM`.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from '../child.js'
import type { PeerLife } from './peer.js'

const READY_MS = 30_000
/** A program that accepts nothing for so long will not accept the rest either. */
const STUCK_MS = 10_000

export class Program implements PeerLife {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #done = new Set<number>()
  #accepted: number[] = []
  #ready = false
  #heardAt = 0
  #killed = false
  #errors = ''

  private constructor(name: string, program: string, args: readonly string[]) {
    this.#name = name
    this.#child = start(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#ended = once(this.#child, 'close')
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
    this.#child.stdin?.on('error', () => undefined)
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#take(line))
  }

  static async start(name: string, program: string, args: readonly string[]): Promise<Program> {
    const life = new Program(name, program, args)
    const deadline = performance.now() + READY_MS
    while (!life.#ready) {
      if (performance.now() > deadline) throw life.#broken('did not come up')
      await life.#tick()
    }
    return life
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async produce(from: number, count: number): Promise<readonly number[]> {
    this.#heardAt = performance.now()
    this.#child.stdin?.write(`produce ${from} ${count}\n`)
    while (!this.#done.has(from) && performance.now() - this.#heardAt < STUCK_MS) await this.#tick()
    return this.#accepted.filter((number) => number >= from && number < from + count)
  }

  async kill(): Promise<void> {
    this.#killed = true
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  #take(line: string): void {
    this.#heardAt = performance.now()
    const [word = '', from = ''] = line.split(' ')
    if (word === 'ready') this.#ready = true
    else if (word === 'done') this.#done.add(Number(from))
    else this.#accepted.push(Number(word))
  }

  async #tick(): Promise<void> {
    if (this.#child.exitCode !== null && !this.#killed) throw this.#broken('ended by itself')
    await sleep(1)
  }

  #broken(how: string): Error {
    return new Error(`peers: ${this.#name} ${how}: ${this.#errors.slice(-2_000)}`)
  }
}
