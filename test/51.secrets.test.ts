/** A secret in the configuration is printed nowhere, however broken the file is around it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { drivers } from '../drivers/index.js'
import { loadConfig } from '../src/config/load.js'
import { printProblem } from '../src/config/problems.js'
import { effectiveValues, valueText } from '../src/config/show.js'
import { tempFolder } from './support/temp.js'

const SECRET = 'hunter2'

/** A whole file around some lines of `mqtt:`. */
function fileWith(lines: string): string {
  return `version: 1
site: { id: hq, name: Headquarters }
data: { path: /tmp/x }
mqtt:
  url: mqtt://broker:1883
${lines}
  window: 64
readers:
  - id: gate
    driver: rdm6300
    transport: serial:/dev/x
`
}

const FORMS = [
  '  username: gw\n  password: hunter2',
  '  password: "hunter2"',
  "  password: 'hunter2'",
  '  password: |\n    hunter2',
  '  password: >-\n    abc\n    hunter2',
  '  password: "abc\n    hunter2"',
  '  password: "abc\n  hunter2"',
  '  password:\n    hunter2',
  '  password:\n    - hunter2',
  '  password: [hunter2]',
  '  password: { hunter2: 1 }',
  '  password: { secret: hunter2 }',
  '  password: {\n    file: 5, text: hunter2 }',
  '  password:\n    text: hunter2',
  '  password: hunter2 # not hunter2 any more',
  '  Password: hunter2',
  '  pasword: hunter2',
  '  passwrod: hunter2',
  '  passwd: hunter2',
  '  pass: hunter2',
  '  pwd: hunter2',
  '  mqttPassword: hunter2',
  '  token: hunter2',
  '  apiKey: hunter2',
  '  password : hunter2',
  '  "password": hunter2',
  '  ? password\n  : hunter2',
  '  password:hunter2',
  '  password hunter2',
  '  password = hunter2',
  '  password: *hunter2',
  '  password: &hunter2',
  '  password: !hunter2',
  '  password: !hunter2 x',
  '  password: @hunter2',
  '  password: %hunter2',
  '  password: `hunter2',
  '  password: hunter2: x',
  '  password: hunter2\n  password: hunter2',
  '  passwordhunter2: x',
  '  password hunter2: x',
  '  tls: { ca: /x, password: hunter2 }',
  '  tls: { password: hunter2, ca: 5 }',
  '  protocol: 6 # the password is hunter2',
  '  protocol: 6 # it was hunter2 before',
]
const URLS = [
  'mqtt://gw:hunter2@broker:1883',
  'mqtts://:hunter2@broker',
  'http://gw:hunter2@broker',
  'mqtt:/gw:hunter2@broker',
  'mqtt//gw:hunter2@broker',
  'gw:hunter2@broker',
]

describe('a secret', () => {
  const folder = tempFolder()

  /** All that check, show and run may print of a file. */
  function printed(text: string, env: NodeJS.ProcessEnv = {}): string {
    writeFileSync(folder.file('config.yaml'), text)
    const loaded = loadConfig(folder.file('config.yaml'), { drivers, env })
    const values = loaded.config ? effectiveValues(loaded).map((value) => valueText(value, true)) : []
    return [...loaded.problems.map(printProblem), JSON.stringify(loaded.problems), ...values].join('\n')
  }
  function isHidden(text: string): void {
    const all = printed(text)
    assert.ok(!all.includes(SECRET), `${text}\n-----\n${all}`)
  }

  for (const form of FORMS) {
    it(`is not printed: ${JSON.stringify(form)}`, () => isHidden(fileWith(form)))
  }

  for (const url of URLS) {
    it(`is not printed as part of ${url}`, () => {
      isHidden(fileWith('').replace('mqtt://broker:1883', url))
      isHidden(fileWith('').replace('serial:/dev/x', url))
    })
  }

  it('is not printed of a whole file on one line', () => {
    isHidden(
      '{ version: 1, site: { id: HQ }, mqtt: { url: 5, password: hunter2, window: 0 }, readers: [{ id: "?" }] }\n',
    )
    isHidden('{ version: 1, mqtt: { password: hunter2, url: ]\n')
  })

  it('does not hide what is no secret: the line of another problem is shown', () => {
    assert.match(printed(fileWith('  protocol: 6')), /protocol: 6\n/)
    assert.match(printed(fileWith('').replace('id: gate', 'id: Gate 1')), /- id: Gate 1\n/)
    assert.match(printed(fileWith('  widnow: 5')), /widnow: 5\n/)
    assert.match(printed(fileWith('').replace('serial:/dev/x', 'serial:dev')), /transport: serial:dev\n/)
  })

  it('is not printed of a file with faults anywhere', () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      kind: fc.constantFrom('delete', 'insert', 'break', 'indent'),
      text: fc.constantFrom(
        ':',
        '{',
        '}',
        '[',
        ']',
        '"',
        "'",
        '\n',
        ' ',
        '\t',
        ',',
        '#',
        '&',
        '*',
        '!',
        '|',
        '>',
        '- ',
        '@',
        '%',
        '?',
        '\r\n',
        '---\n',
      ),
    })
    const broken = fc.tuple(fc.constantFrom(...FORMS), fc.array(edit, { minLength: 1, maxLength: 2 }))
    fc.assert(
      fc.property(broken, ([form, edits]) =>
        isHidden(edits.reduce((text, { at, kind, text: part }) => edited(text, at, kind, part), fileWith(form))),
      ),
      { numRuns: 1_500 },
    )
  })
})

/** One fault, but none inside the secret: cut in two it would not be found. */
function edited(text: string, at: number, kind: string, part: string): string {
  const places = Array.from({ length: text.length }, (_, index) => index).filter((index) => !insideSecret(text, index))
  const place = places[Math.floor(at * places.length)] ?? 0
  if (kind === 'delete') return text.slice(0, place) + text.slice(place + 1)
  if (kind === 'break') return `${text.slice(0, place)}\n${text.slice(place)}`
  if (kind === 'indent') return text.slice(0, place).replace(/\n([^\n]*)$/, '\n  $1') + text.slice(place)
  return text.slice(0, place) + part + text.slice(place)
}

function insideSecret(text: string, index: number): boolean {
  for (let from = text.indexOf(SECRET); from !== -1; from = text.indexOf(SECRET, from + 1)) {
    if (index >= from && index < from + SECRET.length) return true
  }
  return false
}
