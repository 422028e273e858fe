/** Where a secret is kept, and reading it. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../errors.js'
import type { Problem, Path } from './problems.js'

/** As it stands in the file. */
export type SecretSource = string | { file: string } | { env: string } | { credential: string }

/** Reads a secret; a line break at the end of a file is not part of it. */
export function readSecret(
  source: SecretSource,
  path: Path,
  env: NodeJS.ProcessEnv,
): { value?: string; problems: Problem[] } {
  if (typeof source === 'string') return { value: source, problems: [] }
  if ('env' in source) {
    const value = env[source.env]
    return value === undefined || value === ''
      ? failed(path, `environment variable ${source.env} is not set`)
      : { value, problems: [] }
  }
  if ('file' in source) return readFile(source.file, path)
  const directory = env['CREDENTIALS_DIRECTORY']
  if (directory === undefined) {
    return failed(
      path,
      `credential ${source.credential}: not started by systemd with LoadCredential=${source.credential}:…`,
    )
  }
  return readFile(join(directory, source.credential), path)
}

function readFile(file: string, path: Path): { value?: string; problems: Problem[] } {
  try {
    const value = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if (value === '') return failed(path, `secret file ${file} is empty`)
    const open = (statSync(file).mode & 0o004) !== 0
    const problems: Problem[] = open
      ? [
          {
            severity: 'warning',
            path,
            message: `secret file ${file} is readable by everyone`,
            suggestion: `chmod o-r ${file}`,
          },
        ]
      : []
    return { value, problems }
  } catch (error) {
    return failed(path, `secret file cannot be read: ${messageOf(error)}`)
  }
}

function failed(path: Path, message: string): { problems: Problem[] } {
  return { problems: [{ severity: 'error', path, message }] }
}
