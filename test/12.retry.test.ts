/** Back-off as numbers. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { pauses } from '../src/retry.js'

const MIDDLE = (): number => 0.5

function first(count: number, sequence: Generator<number, never>): number[] {
  return Array.from({ length: count }, () => sequence.next().value)
}

describe('pauses', () => {
  it('double from the first to the longest, and stay there', () => {
    assert.deepEqual(
      first(7, pauses({ firstMs: 500, maxMs: 8_000 }, MIDDLE)),
      [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000],
    )
  })

  it('do not overshoot a longest pause that is no doubling of the first', () => {
    assert.deepEqual(first(4, pauses({ firstMs: 500, maxMs: 1_500 }, MIDDLE)), [500, 1_000, 1_500, 1_500])
  })

  it('are spread by a quarter up or down', () => {
    assert.deepEqual(
      first(
        2,
        pauses({ firstMs: 1_000, maxMs: 1_000 }, () => 0),
      ),
      [750, 750],
    )
    assert.deepEqual(
      first(
        1,
        pauses({ firstMs: 1_000, maxMs: 1_000 }, () => 0.999_999),
      ),
      [1_250],
    )
  })

  it('never leave their bounds, however long they go on', () => {
    const run = fc.record({
      firstMs: fc.integer({ min: 1, max: 5_000 }),
      factor: fc.integer({ min: 1, max: 50 }),
      seed: fc.double({ min: 0, max: 0.999, noNaN: true }),
    })
    fc.assert(
      fc.property(run, ({ firstMs, factor, seed }) => {
        const maxMs = firstMs * factor
        return first(
          40,
          pauses({ firstMs, maxMs }, () => seed),
        ).every((ms) => ms >= Math.floor(firstMs * 0.75) && ms <= Math.ceil(maxMs * 1.25))
      }),
    )
  })

  it('differ between two gateways', () => {
    const one = first(6, pauses({ firstMs: 1_000, maxMs: 60_000 }))
    const other = first(6, pauses({ firstMs: 1_000, maxMs: 60_000 }))
    assert.notDeepEqual(one, other)
  })
})
