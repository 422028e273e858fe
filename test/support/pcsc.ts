/** What the tests of the pcsc transport look at. */
import { strict as assert } from 'node:assert'
import { readFileSync } from 'node:fs'
import { TransportError } from '../../src/driver.js'

/** Child processes of this one. */
function children(): number[] {
  const path = `/proc/${process.pid}/task/${process.pid}/children`
  return readFileSync(path, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

/** Those that run nfc-pcsc. */
export function pcscChildren(): number[] {
  return children().filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('pcsc-child'))
}

/** Ticks of 10 ms that a process has used so far. */
export function ticks(pid: number): number {
  const [utime, stime] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13)
  return Number(utime) + Number(stime)
}

/** For assert.rejects: a TransportError with this code and hint. */
export function isCode(code: string, hint: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof TransportError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.hint ?? '', hint)
    return true
  }
}
