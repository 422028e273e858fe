/** RFC 8785: the bytes of a record that its hash is made of, the same for everyone. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { canonical, type Json } from '../src/journal/canonical.js'

describe('canonical JSON', () => {
  it('is the example of RFC 8785 §3.2.2 and §3.2.3', () => {
    const example: Json = {
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\\"\/', // prettier-ignore
      literals: [null, true, false],
    }
    const expected =
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert.equal(canonical(example), expected)
  })

  it('sorts keys by UTF-16 code units, as RFC 8785 §3.2.3 lists them', () => {
    const example = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    }
    const order = Object.values(JSON.parse(canonical(example)) as Record<string, string>)
    // A key that is a number comes first in any object of JavaScript: look at the text for it.
    assert.match(canonical(example), /^\{"\\r":"Carriage Return","1":"One",/)
    assert.deepEqual(order.slice(2), [
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
  })

  it('writes the numbers of RFC 8785 appendix B', () => {
    const numbers: [string, string][] = [
      ['0000000000000000', '0'],
      ['8000000000000000', '0'],
      ['0000000000000001', '5e-324'],
      ['7fefffffffffffff', '1.7976931348623157e+308'],
      ['4340000000000000', '9007199254740992'],
      ['4430000000000000', '295147905179352830000'],
      ['44b52d02c7e14af5', '9.999999999999997e+22'],
      ['444b1ae4d6e2ef50', '1e+21'],
      ['3eb0c6f7a0b5ed8d', '0.000001'],
      ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
      ['41b3de4355555557', '333333333.33333343'],
      ['becbf647612f3696', '-0.0000033333333333333333'],
      ['43143ff3c1cb0959', '1424953923781206.2'],
    ]
    for (const [bits, text] of numbers) assert.equal(canonical(Buffer.from(bits, 'hex').readDoubleBE()), text, bits)
  })

  it('has no NaN and no infinity', () => {
    for (const number of [NaN, Infinity, -Infinity]) assert.throws(() => canonical({ deep: [number] }), TypeError)
  })

  it('leaves out keys without a value', () => {
    assert.equal(canonical({ b: undefined, a: 1 }), '{"a":1}')
  })

  it('means what JSON means, and does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonical(value)
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
        assert.equal(canonical(reversed(value) as Json), text)
        assert.equal(canonical(JSON.parse(text) as Json), text)
      }),
    )
  })
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  )
}
