/** Mocha's spec output, then why tests were skipped, then one plain line of totals. */
import Mocha from 'mocha'
import { reasonOf } from './skip.js'

/** How long a finished run may take to end by itself. */
const GRACE_MS = 5_000

export default class PlainReporter extends Mocha.reporters.Spec {
  readonly #skipped: Mocha.Test[] = []

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    runner.on('pending', (test) => this.#skipped.push(test))
    runner.once('end', () => {
      this.#printSkipped()
      const { passes, failures, pending } = this.stats
      console.log(`${passes} passed, ${failures} failed, ${pending} skipped`)
      endInTime()
    })
  }

  #printSkipped(): void {
    if (this.#skipped.length === 0) return
    console.log('  Skipped:')
    for (const test of this.#skipped) {
      console.log(`    ${test.fullTitle()}: ${reasonOf(test) ?? 'the reason stands above, where it ran'}`)
    }
    console.log()
  }
}

/**
 * A timer, socket or child that outlives the tests is a fault of what was tested. Without this the run would hang;
 * with mocha's `--exit` nobody would know.
 */
function endInTime(): void {
  const timer = setTimeout(() => {
    console.error(
      `The tests ended and the process does not; still open: ${process.getActiveResourcesInfo().join(', ')}`,
    )
    // Mocha sets the exit code once more while the process ends; this comes after it.
    process.once('exit', () => (process.exitCode = 1))
    process.exit()
  }, GRACE_MS)
  timer.unref()
}
