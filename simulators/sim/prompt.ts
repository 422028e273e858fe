/** What is typed at `sim up`: read, checked, and done while more is typed. */
import { createInterface } from 'node:readline'
import { print } from '../../src/verbs/verb.js'
import { Known } from '../scenario/known.js'
import type { Step } from '../scenario/scenario.js'
import { parseSentence } from '../scenario/sentences.js'
import { SentenceError } from '../scenario/words.js'
import { HELP, sentenceOf } from './commands.js'
import { plan } from './plan.js'
import { play } from './play.js'
import type { Scene } from './scene.js'

export class Prompt {
  readonly #scene: Scene
  readonly #known: Known
  readonly #signal: AbortSignal
  readonly #running = new Set<Promise<void>>()
  /** Counts commands, so that each crowd is another one. */
  #count = 0

  /** Nothing new begins once the signal has aborted. */
  constructor(scene: Scene, signal: AbortSignal) {
    this.#scene = scene
    this.#signal = signal
    this.#known = new Known(scene.cast.people, scene.cast.twins)
  }

  /** Resolves at the end of the input, at `quit`, or when the signal aborts. */
  async listen(input: NodeJS.ReadStream, err: NodeJS.WritableStream, quit: () => void): Promise<void> {
    const lines = createInterface({ input })
    const close = (): void => lines.close()
    this.#signal.addEventListener('abort', close, { once: true })
    const ended = new Promise<void>((resolve) => lines.once('close', () => resolve()))
    if (this.#signal.aborted) close()
    lines.on('line', (line) => {
      const command = line.trim()
      if (command === 'quit' || command === 'exit') quit()
      else if (command === 'help' || command === '?') for (const text of HELP) print(err, text)
      else if (command !== '') this.#obey(sentenceOf(command), err)
    })
    await ended
    this.#signal.removeEventListener('abort', close)
    // A terminal or a pipe that is still open would keep the process.
    input.destroy()
  }

  /** Begins what a sentence says. */
  perform(sentence: string): void {
    const parsed = parseSentence(sentence, this.#known)
    const step: Step = { ...parsed, atMs: parsed.atMs ?? 0 }
    const { stage, hands, cast } = this.#scene
    const running = play(plan([step], cast, ++this.#count), stage, hands, 1, this.#signal)
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }

  /** Resolves when everything that was begun is on its way. */
  async done(): Promise<void> {
    await Promise.all(this.#running)
  }

  #obey(sentence: string, err: NodeJS.WritableStream): void {
    try {
      this.perform(sentence)
    } catch (error) {
      if (!(error instanceof SentenceError)) throw error
      const { message, suggestion } = error
      print(err, `${suggestion === undefined ? message : `${message}: ${suggestion}`}; "help" shows what can be done`)
    }
  }
}
