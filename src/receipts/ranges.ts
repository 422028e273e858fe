/** Whole numbers kept as ranges, in order: a million in a row take no more room than one. */

/** Both ends included. */
export type Range = readonly [from: number, to: number]

export class Ranges {
  #ranges: Range[] = []
  #size = 0

  /** How many numbers. */
  get size(): number {
    return this.#size
  }

  /** In how many pieces. */
  get pieces(): number {
    return this.#ranges.length
  }

  get first(): Range | undefined {
    return this.#ranges[0]
  }

  all(): readonly Range[] {
    return this.#ranges
  }

  has(number: number): boolean {
    const range = this.#ranges[this.#place(number)]
    return range !== undefined && range[0] <= number
  }

  add(from: number, to: number): void {
    if (to < from) return
    // Those that touch become one: the neighbours count too.
    const start = this.#place(from - 1)
    let end = start
    for (let range = this.#ranges[end]; range && range[0] <= to + 1; range = this.#ranges[++end]) {
      from = Math.min(from, range[0])
      to = Math.max(to, range[1])
      this.#size -= range[1] - range[0] + 1
    }
    this.#ranges.splice(start, end - start, [from, to])
    this.#size += to - from + 1
  }

  remove(from: number, to: number): void {
    if (to < from) return
    const start = this.#place(from)
    const left: Range[] = []
    let end = start
    for (let range = this.#ranges[end]; range && range[0] <= to; range = this.#ranges[++end]) {
      if (range[0] < from) left.push([range[0], from - 1])
      if (range[1] > to) left.push([to + 1, range[1]])
      this.#size -= Math.min(range[1], to) - Math.max(range[0], from) + 1
    }
    this.#ranges.splice(start, end - start, ...left)
  }

  clear(): void {
    this.#ranges = []
    this.#size = 0
  }

  /** Place of the first range that ends at `number` or later. */
  #place(number: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ranges[middle]?.[1] ?? Infinity) < number) low = middle + 1
      else high = middle
    }
    return low
  }
}
