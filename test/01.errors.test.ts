/** Error codes and exit codes are what scripts and operators rely on: documented, and stable. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ConfigError,
  DaemonError,
  DeviceError,
  ERROR_CODES,
  EXIT,
  exitCodeOf,
  JournalError,
  messageOf,
  ProtocolError,
  PublishError,
  TransportError,
  VerbError,
} from '../src/errors.js'
import { root } from './support/root.js'

/** Rows `| \`code\` | meaning | …` of a README whose first cell is a known kind of code: lower-case words with dashes. */
function documentedCodes(markdown: string): Map<string, string> {
  const rows = markdown.matchAll(/^\|\s*`([a-z]+(?:-[a-z]+)*)`\s*\|\s*([^|]*?)\s*\|/gm)
  return new Map([...rows].map(([, code = '', meaning = '']) => [code, meaning]))
}

/** The part of a page under the heading that speaks of errors. */
function errorSection(markdown: string): string {
  const sections = markdown.split(/^(?=#{1,6} )/m)
  return sections.filter((section) => /^#+ .*\berrors?\b/i.test(section)).join('\n')
}

describe('error codes', () => {
  it('stand in src/README.md, each with its meaning, and no others', () => {
    const documented = documentedCodes(errorSection(readFileSync(join(root, 'src/README.md'), 'utf8')))
    assert.deepEqual([...documented.keys()].sort(), Object.keys(ERROR_CODES).sort())
    for (const [code, meaning] of Object.entries(ERROR_CODES)) assert.equal(documented.get(code), meaning, code)
  })

  it('are read from the table, and from the right one', () => {
    const page = '# Errors\n\n| code | meaning |\n|---|---|\n| `a-b` | one |\n| `c` | two |\n\n# Other\n| `d` | x |\n'
    assert.deepEqual([...documentedCodes(errorSection(page))], [['a-b', 'one'], ['c', 'two']]) // prettier-ignore
  })

  it('are lower-case words with dashes, and their sentences have no full stop', () => {
    for (const [code, meaning] of Object.entries(ERROR_CODES)) {
      assert.match(code, /^[a-z]+(-[a-z]+)*$/)
      assert.match(meaning, /[^.]$/, code)
    }
  })
})

describe('errors', () => {
  it('keep code, hint, cause and the name of their class', () => {
    const cause = new Error('EACCES')
    const error = new TransportError('transport-denied', 'no access', { hint: 'join dialout', cause })
    assert.deepEqual(
      [error.code, error.hint, error.cause, error.name],
      ['transport-denied', 'join dialout', cause, 'TransportError'],
    )
    assert.ok(error instanceof DaemonError)
    assert.equal(new DeviceError('device-refused', 'no').hint, undefined)
  })

  it('end a process with the exit code of their class', () => {
    const cases: [unknown, number][] = [
      [new ConfigError('config-invalid', ''), EXIT.config],
      [new ConfigError('config-unreadable', ''), EXIT.config],
      [new JournalError('journal-busy', ''), EXIT.again],
      [new JournalError('journal-foreign', ''), EXIT.data],
      [new JournalError('journal-corrupt', ''), EXIT.data],
      [new JournalError('journal-io', ''), EXIT.io],
      [new JournalError('journal-full', ''), EXIT.io],
      [new JournalError('journal-unsafe', ''), EXIT.io],
      [new TransportError('transport-absent', ''), EXIT.unavailable],
      [new PublishError('retry', 'publish-offline', ''), EXIT.unavailable],
      [new ProtocolError('protocol-broken', ''), EXIT.failed],
      [new DeviceError('device-refused', ''), EXIT.failed],
      [new VerbError(EXIT.permission, 'daemon-absent', ''), EXIT.permission],
      [new TypeError('bug'), EXIT.bug],
      ['thrown text', EXIT.bug],
      [undefined, EXIT.bug],
    ]
    for (const [error, expected] of cases) assert.equal(exitCodeOf(error), expected, String(error))
  })

  it('use the exit codes of sysexits', () => {
    assert.deepEqual(EXIT, {
      ok: 0,
      failed: 1,
      usage: 64,
      data: 65,
      unavailable: 69,
      bug: 70,
      cannotCreate: 73,
      io: 74,
      again: 75,
      permission: 77,
      config: 78,
    })
  })

  it('have a message whatever was thrown', () => {
    assert.deepEqual([new Error('x'), 'y', undefined, 7].map(messageOf), ['x', 'y', 'undefined', '7'])
  })
})
