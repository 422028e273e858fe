import { strict as assert } from 'node:assert'
import { DaemonError, type ErrorCode } from '../../src/errors.js'

/** Resolves to the error when `promise` rejects with this stable code; fails otherwise. */
export async function rejectsWith(code: ErrorCode, promise: Promise<unknown>): Promise<DaemonError> {
  const error: unknown = await promise.then(
    () => assert.fail(`resolved instead of ${code}`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof DaemonError, String(error))
  assert.equal(error.code, code, error.message)
  return error
}
