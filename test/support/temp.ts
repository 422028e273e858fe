/** A directory of its own for every test, gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TempFolder {
  readonly path: string
  /** The path of a file in it. */
  file(name: string): string
}

export function makeTempFolder(): string {
  return mkdtempSync(join(tmpdir(), 'punchd-test-'))
}

/** Call it in a `describe`: each of its tests finds an empty folder. */
export function tempFolder(): TempFolder {
  let path = ''
  beforeEach(() => {
    path = makeTempFolder()
  })
  afterEach(() => rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))
  return {
    get path() {
      return path
    },
    file: (name) => join(path, name),
  }
}
