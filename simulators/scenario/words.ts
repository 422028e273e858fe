/** A sentence of the timeline as words with their places, taken one after the other. */
import { didYouMean } from '../../src/config/problems.js'

export interface Word {
  readonly text: string
  /** Index of its first character in the sentence. */
  readonly at: number
}

/** What is wrong with a sentence, and where in it. */
export class SentenceError extends Error {
  readonly at: number
  readonly suggestion: string | undefined

  constructor(message: string, at: number, suggestion?: string) {
    super(message)
    this.at = at
    this.suggestion = suggestion
  }
}

export class Words {
  readonly #words: readonly Word[]
  readonly #length: number
  #next = 0

  constructor(sentence: string) {
    this.#words = [...sentence.matchAll(/[^\s,]+|,/g)].map((match) => ({ text: match[0], at: match.index }))
    this.#length = sentence.length
  }

  get isOver(): boolean {
    return this.#next >= this.#words.length
  }

  peek(): string {
    return this.#words[this.#next]?.text ?? ''
  }

  /** The next word; `what` says what should have stood there when the sentence is over. */
  take(what: string): Word {
    const word = this.#words[this.#next]
    if (!word) throw new SentenceError(`${what} is missing`, this.#length)
    this.#next++
    return word
  }

  /** Takes the next word when it is one of these. */
  takeIf(...texts: string[]): boolean {
    const is = texts.includes(this.peek())
    if (is) this.#next++
    return is
  }

  /** Takes one of these words, or says which it should have been. */
  takeOneOf(texts: readonly string[], what: string): Word {
    const word = this.take(`${what} (${texts.join(', ')})`)
    if (texts.includes(word.text)) return word
    throw wrong(word, `"${word.text}" is not expected here`, texts)
  }

  end(): void {
    if (!this.isOver) {
      const word = this.take('')
      throw new SentenceError(`"${word.text}" is too much: the sentence was complete`, word.at)
    }
  }
}

/** An error at a word, with what comes closest to it. */
export function wrong(word: Word, message: string, candidates: Iterable<string> = []): SentenceError {
  const all = [...candidates]
  const list = all.length > 0 && all.length <= 12 ? `write ${all.join(', ')}` : undefined
  return new SentenceError(message, word.at, didYouMean(word.text, all) ?? list)
}
