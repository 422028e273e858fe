/** The other end of `program.ts`: what a program of this folder is told, and what it answers. */
import { createInterface } from 'node:readline'

/** Numbers from `from` on, in order. */
export interface Order {
  readonly from: number
  readonly count: number
}

export function say(...lines: readonly (string | number)[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** Says that it is ready, then takes one order after the other. */
export async function takeOrders(produce: (order: Order) => Promise<void>): Promise<void> {
  say('ready')
  for await (const line of createInterface({ input: process.stdin })) {
    const [, from, count] = line.split(' ').map(Number)
    await produce({ from: from ?? 0, count: count ?? 0 })
    say(`done ${from ?? 0}`)
  }
}
