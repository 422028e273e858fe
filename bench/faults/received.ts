/** What arrived: every record of every kind, how often, and in which order. */

export interface Arrived {
  readonly id: string
  readonly journal: string
  readonly seq: number
}

export class Received {
  /** Ids by number: a number that came with two ids was used twice. */
  readonly ids = new Map<number, string>()
  /** Numbers that came with a second id, or out of another journal. */
  renumbered = 0
  redelivered = 0
  /** Numbers whose first delivery came after a later record. */
  readonly late: number[] = []
  journal: string | undefined
  newest = 0

  get disordered(): number {
    return this.late.length
  }

  get received(): number {
    return this.ids.size
  }

  take({ id, journal, seq }: Arrived): void {
    this.journal ??= journal
    const known = this.ids.get(seq)
    if (journal !== this.journal || (known !== undefined && known !== id)) this.renumbered += 1
    else if (known !== undefined) this.redelivered += 1
    if (known !== undefined) return
    this.ids.set(seq, id)
    if (seq < this.newest) this.late.push(seq)
    else this.newest = seq
  }
}
