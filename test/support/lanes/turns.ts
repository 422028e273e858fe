/** Prints what several speakers say at once as if they spoke one after the other: the first is heard live. */
export class Turns {
  readonly #print: (text: string) => void
  readonly #order: Turn[] = []

  constructor(print: (text: string) => void) {
    this.#print = print
  }

  /** Behind all others. */
  take(): Turn {
    const turn = new Turn(this)
    this.#order.push(turn)
    return turn
  }

  /** Prints `text` as soon as the one who is speaking has ended. */
  slipIn(text: string): void {
    const turn = new Turn(this)
    this.#order.splice(1, 0, turn)
    turn.say(text)
    turn.end()
  }

  /** Hears who is first, and on from there until somebody has not ended. */
  hear(): void {
    for (;;) {
      const [first] = this.#order
      if (!first) return
      const text = first.heard()
      if (text !== '') this.#print(text)
      if (!first.ended) return
      this.#order.shift()
    }
  }
}

export class Turn {
  readonly #turns: Turns
  #unheard = ''
  ended = false

  constructor(turns: Turns) {
    this.#turns = turns
  }

  say(text: string): void {
    this.#unheard += text
    this.#turns.hear()
  }

  end(): void {
    this.ended = true
    this.#turns.hear()
  }

  /** What nobody has heard yet. */
  heard(): string {
    const text = this.#unheard
    this.#unheard = ''
    return text
  }
}
