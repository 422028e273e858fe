/** Numbers as ranges, against a plain set. */
import assert from 'node:assert/strict'
import { Attempts } from '../src/receipts/attempts.js'
import { Ranges } from '../src/receipts/ranges.js'
import { range } from './support/outbox.js'

describe('ranges', () => {
  it('hold what a set would, in the fewest pieces', () => {
    let seed = 12_345
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below
    for (let run = 0; run < 200; run++) {
      const ranges = new Ranges()
      const set = new Set<number>()
      for (let step = 0; step < 60; step++) {
        const from = random(80)
        const to = from + random(12) - 1
        const adding = random(5) < 3
        if (adding) ranges.add(from, to)
        else ranges.remove(from, to)
        for (const number of range(from, to)) if (adding) set.add(number)
        else set.delete(number) // prettier-ignore
        assert.deepEqual(
          ranges.all().flatMap(([first, last]) => range(first, last)),
          [...set].sort((a, b) => a - b),
        )
        assert.equal(ranges.size, set.size)
        assert.ok(range(0, 95).every((number) => ranges.has(number) === set.has(number)))
        assert.equal(ranges.pieces, [...set].filter((number) => !set.has(number - 1)).length)
      }
    }
  })

  it('count how often records were sent again, without a place for each', () => {
    const attempts = new Attempts()
    for (let seq = 1; seq <= 50_000; seq++) assert.equal(attempts.next(seq), 2)
    for (let seq = 10; seq <= 20; seq++) assert.equal(attempts.next(seq), 3)
    assert.deepEqual([attempts.next(15), attempts.next(21), attempts.next(9), attempts.next(9)], [4, 3, 3, 4])
    for (let time = 0; time < 300; time++) attempts.next(1)
    assert.equal(attempts.next(1), 101)
  })
})
