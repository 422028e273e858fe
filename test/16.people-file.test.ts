/** A people list as it comes from the personnel office: CSV of every making, and everything wrong with it at once. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { stringify } from 'csv-stringify/sync'
import { parseCsv } from '../src/import/csv.js'
import { readCredential, readCredentials } from '../src/import/credentials.js'
import { readPeople } from '../src/import/people.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const problems = (text: string): string[] => readPeople(bytes(text)).problems.map(({ line, message }) => `${line} ${message}`) // prettier-ignore

describe('CSV', () => {
  const rows = (text: string): (readonly string[])[] => parseCsv(text, 'ref').rows.map(({ cells }) => cells)

  it('is read back as any writer of RFC 4180 wrote it', () => {
    const cell = fc.oneof(fc.string(), fc.constantFrom('', ',', ';', '"', '""', '\n', '\r\n', 'a "b"', ' x '))
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(table, fc.constantFrom(',', ';', '\t'), fc.constantFrom('\n', '\r\n'), fc.boolean(), (data, delimiter, record_delimiter, bom) => {
        const written = stringify([['ref', 'x'], ...data], { delimiter, record_delimiter, bom, quoted: true })
        const { rows, problems } = parseCsv(written, 'ref')
        assert.deepEqual([rows.slice(1).map(({ cells }) => cells), problems], [data, []])
      }),
      { numRuns: 2_000 },
    ) // prettier-ignore
  })

  it('knows where each row begins, lines within quotes counted', () => {
    const { rows } = parseCsv('ref,name\r\n1,"a\r\nb"\r\n\r\n2,c', 'ref')
    assert.deepEqual(rows.map(({ line }) => line), [1, 2, 5]) // prettier-ignore
  })

  it('finds out by what values are separated', () => {
    assert.deepEqual(rows('ref;a,b\n1;2'), [['ref', 'a,b'], ['1', '2']]) // prettier-ignore
    assert.deepEqual(rows('ref\ta\n1\t2'), [['ref', 'a'], ['1', '2']]) // prettier-ignore
    assert.deepEqual(rows('sep=|\r\nref|a\r\n1|2'), [['ref', 'a'], ['1', '2']]) // prettier-ignore
    assert.deepEqual(parseCsv('sep=;\nref;a\n1;2', 'ref').rows.map(({ line }) => line), [2, 3]) // prettier-ignore
  })

  it('names a quote that is never closed, and quotes out of place', () => {
    const told = (text: string): string[] => parseCsv(text, 'ref').problems.map(({ line, message }) => `${line} ${message.split(':')[0]}`) // prettier-ignore
    assert.deepEqual(told('ref,a\n1,"b\n2,c\n'), ['2 the quote that opens here is never closed'])
    assert.deepEqual(told('ref,a\n1,b"c\n'), ['2 a quote stands within a value that does not begin with one'])
    assert.deepEqual(told('ref,a\n1,"b"c\n'), ['2 after a closing quote there is more text'])
  })

  it('never ends in an exception, whatever it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => void readPeople(noise)),
      { numRuns: 2_000 },
    )
    fc.assert(fc.property(fc.string(), (noise) => void readPeople(bytes(`ref,credentials\n${noise}`))), { numRuns: 2_000 }) // prettier-ignore
  })
})

describe('a written credential', () => {
  const problem = (written: string): string => {
    const read = readCredential(written)
    return 'problem' in read ? read.problem : assert.fail(`${written} was taken`)
  }

  it('is type, value and, where it counts at one reader only, its scope', () => {
    assert.deepEqual(readCredentials(' card:0A00123456; fingerprint:5@door ;user:17@global;;mac:3C22FB0A1B2C@global'), [
      { credential: { type: 'card', value: '0A00123456', scope: 'global' } },
      { credential: { type: 'fingerprint', value: '5', scope: 'door' } },
      { credential: { type: 'user', value: '17', scope: 'global' } },
      { credential: { type: 'mac', value: '3C22FB0A1B2C', scope: 'global' } },
    ])
    assert.deepEqual(readCredential('qr:ada@example.com'), { credential: { type: 'qr', value: 'ada@example.com', scope: 'global' } }) // prettier-ignore
  })

  it('in another form is refused, and the canonical one offered', () => {
    for (const [written, offer] of [
      ['card:0x0a:00:12:34:56', 'card:0A00123456'],
      ['card:04-a2-3f', 'card:04A23F'],
      ['mac:3c:22:fb:0a:1b:2c', 'mac:3C22FB0A1B2C'],
      ['fingerprint:005@door', 'fingerprint:5@READER'],
      ['pin:12 34', 'pin:1234'],
    ] as const)
      assert.ok(problem(written).endsWith(`write ${offer}`), problem(written))
    assert.match(problem('card:0A0'), /upper-case hex digits, an even number/)
    assert.match(problem('card:hello world'), /…orld.*upper-case hex/)
  })

  it('of no known type, or without one, is refused', () => {
    assert.match(problem('crad:0A00123456'), /no credential type "crad": did you mean "card"\?/)
    assert.match(problem('badge:1'), /types are card, fingerprint/)
    assert.match(problem('constructor:1'), /no credential type/)
    assert.match(problem('0A00123456'), /"…3456" is no credential: write type:value/)
  })

  it('that counts at one reader must name it', () => {
    assert.match(problem('fingerprint:5'), /fingerprint:5@READER/)
    assert.match(problem('user:17'), /user:17@READER, or @global/)
  })
})

describe('a people file', () => {
  const HEADER = 'ref,name,department,language,validFrom,validTo,credentials'

  it('gives everybody in it', () => {
    const text = `\uFEFF${HEADER}\r\n1042,"Lovelace, Ada",Engines,en,2026-01-01,2026-12-31,card:0A00123456;fingerprint:5@door\r\n7,,,,,,\r\n`
    const { people, problems } = readPeople(bytes(text))
    assert.deepEqual(problems, [])
    assert.deepEqual(people, [
      {
        line: 2,
        ref: '1042',
        name: 'Lovelace, Ada',
        department: 'Engines',
        language: 'en',
        validFrom: '2026-01-01',
        validTo: '2026-12-31',
        state: 'active',
        credentials: [
          { type: 'card', value: '0A00123456', scope: 'global' },
          { type: 'fingerprint', value: '5', scope: 'door' },
        ],
      },
      { line: 3, ref: '7', name: '', department: '', language: '', validFrom: '', validTo: '', state: 'active', credentials: [] }, // prettier-ignore
    ])
  })

  it('from Excel in Europe is read, its credentials in quotes', () => {
    const { people, problems } = readPeople(bytes('ref;state;credentials\r\n1;blocked;"card:AABBCC;pin:1234"\r\n'))
    assert.deepEqual(problems, [])
    assert.deepEqual([people[0]?.state, people[0]?.credentials.length], ['blocked', 2])
  })

  it('names every bad row with its line, and all that is wrong with it', () => {
    const text = [
      HEADER,
      '1,Ada,Eng,en,2026-13-01,2026-02-30,card:aabbcc',
      ',Bob,Eng,EN,,,',
      '1,Cid,Eng,de,31.12.2026,,card:112233',
      '2,Dan,Eng,de,2026-02-01,2026-01-01,card:112233;key:1',
      '3,Eve,Eng,de',
      '4,Fay,Eng,de,,,card:AABB00;card:AABB00',
      '5,Gus,Eng,de,,,card:11,22',
    ]
    assert.deepEqual(problems(text.join('\n')), [
      '2 validFrom "2026-13-01" is no day: write it like 2026-11-23',
      '2 validTo "2026-02-30" is no day: write it like 2026-11-23',
      '2 a card value is not in its canonical form (…bbcc): write card:AABBCC',
      '3 ref is empty',
      '3 language "EN" is none: write it like de or pt-BR',
      '4 validFrom "31.12.2026" is no day: write 2026-12-31',
      '4 ref 1 stands on line 2 already',
      '5 validTo lies before validFrom',
      '5 there is no credential type "key": did you mean "pin"?'.replace(/key": .*/, 'key": types are card, fingerprint, user, qr, pin, beacon, phone, mac'), // prettier-ignore
      '5 the card …2233 belongs to 1 on line 4 already',
      '6 has 4 values, the header has 7: put quotes around values with commas or semicolons',
      '7 the card …BB00 belongs to 4 on line 7 already',
      '8 has 8 values, the header has 7: put quotes around values with commas or semicolons',
      '8 a card value is not in its canonical form (…11): it is upper-case hex digits, an even number of them from 6 to 32',
    ])
  })

  it('without its header, or with a column too many, says so', () => {
    assert.match(problems('')[0] ?? '', /^1 the file is empty/)
    assert.match(problems('1042,Ada\n')[0] ?? '', /^1 there is no column ref/)
    assert.deepEqual(problems('ref,nmae\n'), ['1 there is no column "nmae": did you mean "name"?'])
    assert.deepEqual(problems('ref,name,name\n'), ['1 the column name stands there twice'])
    const latin = readPeople(Uint8Array.of(...bytes('ref,name\n1,J'), 0xf6, ...bytes('rg\n')))
    assert.match(latin.problems[0]?.message ?? '', /not UTF-8/)
  })
})
