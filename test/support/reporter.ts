/**
 * Mocha's spec output, then why tests were skipped, then one plain line of totals. With `--reporter-option
 * outcome=FILE` what would stand at the end goes to that file instead: one of many chapters is not the end.
 */
import { format } from 'node:util'
import Mocha from 'mocha'
import { ending, writeOutcome, type Outcome } from './outcome.js'
import { reasonOf } from './skip.js'

/** How long a finished run may take to end by itself. */
const GRACE_MS = 5_000

export default class PlainReporter extends Mocha.reporters.Spec {
  readonly #pending: Mocha.Test[] = []
  readonly #file: string | undefined

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    this.#file = (options.reporterOptions as { outcome?: string } | undefined)?.outcome
    runner.on('pending', (test) => this.#pending.push(test))
    runner.once('end', () => {
      const outcome = this.#outcome()
      if (this.#file === undefined) console.log(ending(outcome.passed, outcome.failed, outcome.skipped).trimEnd())
      else writeOutcome(this.#file, outcome)
      endInTime()
    })
  }

  override epilogue(): void {
    if (this.#file === undefined) super.epilogue()
  }

  #outcome(): Outcome {
    const { passes, failures } = this.stats
    const skipped = this.#pending.map((test) => ({
      title: test.fullTitle(),
      reason: reasonOf(test) ?? 'the reason stands above, where it ran',
    }))
    return { passed: passes, failed: failures, failures: this.#file ? listed(this.failures) : '', skipped }
  }
}

/** What mocha prints of tests that failed. */
function listed(failures: Mocha.Test[]): string {
  if (failures.length === 0) return ''
  const { Base } = Mocha.reporters
  const { consoleLog } = Base
  const lines: string[] = []
  Base.consoleLog = (...words: unknown[]) => void lines.push(format(...words))
  try {
    Base.list(failures)
  } finally {
    Base.consoleLog = consoleLog
  }
  return lines.join('\n')
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
