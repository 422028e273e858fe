/** One daemon per data directory: an flock on a lock file, which the kernel drops however the process ends. */
import { spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { JournalError, messageOf } from '../errors.js'

/** Takes the lock or throws JournalError 'journal-busy' at once. Returns what releases it. */
export function lockDirectory(directory: string): () => void {
  const file = join(directory, 'punchd.lock')
  const fd = openLock(directory, file)
  // Node has no flock; the lock belongs to the open file, which the program shares with us and leaves locked.
  const result = spawnSync('flock', ['--exclusive', '--nonblock', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] })
  if (result.error) {
    closeSync(fd)
    throw new JournalError('journal-io', `cannot lock ${file}: ${messageOf(result.error)}`, {
      hint: 'install util-linux',
    })
  }
  if (result.status !== 0) {
    const holder = readFileSync(file, 'utf8').trim()
    closeSync(fd)
    throw new JournalError(
      'journal-busy',
      `another punchd${holder === '' ? '' : ` (pid ${holder})`} uses ${directory}`,
      {
        hint: 'stop it first, or give this one its own data.path',
      },
    )
  }
  ftruncateSync(fd)
  writeSync(fd, `${process.pid}\n`, 0)
  return () => closeSync(fd)
}

function openLock(directory: string, file: string): number {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o750 })
    return openSync(file, 'a+', 0o640)
  } catch (error) {
    throw new JournalError('journal-io', `cannot use ${directory}: ${messageOf(error)}`, {
      hint: 'create it and make it writable for this user, or change data.path',
      cause: error,
    })
  }
}
