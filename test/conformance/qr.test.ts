import type { Clock, Credential } from '../../src/driver.js'
import { ScanDecoder, type Suffix } from '../../drivers/qr/codec.js'
import { driver } from '../../drivers/qr/index.js'
import { parseToken } from '../../drivers/qr/token.js'
import { memoryLine } from '../../simulators/line.js'
import { Phone, publicKeyOf } from '../../simulators/phone.js'
import { QrScanner } from '../../simulators/qr.js'
import { describeDriver, type Rig } from './driver.js'

/** Of the vectors: 00 01 … 1F is the secret, and the seed of the Ed25519 key. */
const KEY = Uint8Array.from({ length: 32 }, (_, index) => index)
const SUFFIXES: readonly (readonly [string, Suffix])[] = [['CR LF: ', 'crlf'], ['LF: ', 'lf'], ['TAB: ', 'tab'], ['no suffix: ', 'none']] // prettier-ignore
const CONFIG = {
  signed: 'require',
  hmacSecret: Buffer.from(KEY).toString('base64'),
  publicKeys: Buffer.from(publicKeyOf(KEY)).toString('base64'),
} as const

/** Two people with phones. A plain code has no check, so noise before it is part of it: signed codes can be found. */
function phones(clock: Clock): Phone[] {
  const keys = [{ hmac: KEY }, { ed25519: KEY }] as const
  return keys.map((key, index) => new Phone({ clock, key, person: `E-${2077 + index}`, seed: index + 1 }))
}
const credentials = ['E-2077', 'E-2078'].map((value): Credential => ({ type: 'qr', value, scope: 'global' }))

const rig: Rig<typeof driver.options, 'bytes'> = {
  driver,
  folder: 'drivers/qr',
  config: CONFIG,
  shows: 'none',
  silence: 'normal',
  // A signed code that was issued before the run began is refused, and up to the clock skew (5 s) after it.
  startMs: 10_000,
  restMs: 3_500,
  open: (clock, signal) => {
    const { line, transport } = memoryLine(clock, signal)
    const twin = new QrScanner({ clock, line })
    const obey = line.onReceive
    const written: string[] = []
    line.onReceive = (bytes) => {
      written.push(Buffer.from(bytes).toString('hex'))
      obey?.(bytes)
    }
    const people = phones(clock)
    return {
      transport,
      credentials,
      present: (index) => twin.show(() => people[index]?.code ?? ''),
      withdraw: () => {
        twin.hide()
        for (const phone of people) phone.hide()
      },
      unplug: () => line.unplug(),
      mute: () => {
        twin.hide()
        line.onReceive = undefined
      },
      shown: () => written.splice(0),
      send: (bytes) => void line.send(bytes),
    }
  },
  decode: (pieces, { name }) => {
    const suffix = SUFFIXES.find(([start]) => name.startsWith(start))?.[1] ?? 'cr'
    const decoder = new ScanDecoder({ suffix, replies: true, signed: true })
    const results = pieces.map((piece) => decoder.push(piece))
    if (suffix === 'none') results.push(decoder.silence())
    const codes = results.flatMap((result) => result.codes)
    const replies = results.flatMap((result) => result.replies)
    return {
      codes,
      replies: replies.map(({ type, data }) => `${type}: ${Buffer.from(data).toString('hex')}`),
      bad: results.reduce((sum, { bad }) => sum + bad, 0),
      discarded: results.reduce((sum, { discarded }) => sum + discarded, 0),
      tokens: codes.flatMap((code) => {
        const { body: _body, signature: _signature, ...facts } = parseToken(code) ?? {}
        return 'person' in facts ? [facts] : []
      }),
    }
  },
  stream: {
    maxHeld: 4_096 + 8,
    held: (bytes) => {
      const decoder = new ScanDecoder({ suffix: 'cr', replies: true, signed: true })
      decoder.push(bytes)
      return decoder.held
    },
  },
}

describeDriver(rig)

/** Zone 0000 with the light on (1A), off (12), and as it was (16). */
const ON = '7e00080100001ac7e2'
const OFF = '7e00080100001246ea'
const BACK = '7e000801000016066e'

// The same questions while the scanner is set up and its light shows the verdict.
describe('set up, with its light', () => {
  describeDriver({
    ...rig,
    config: { ...CONFIG, setup: 'continuous', feedback: 'flash' },
    shows: {
      accepted: [ON, OFF, BACK],
      repeat: [ON, OFF, ON, OFF, BACK],
      unknown: [ON, OFF, BACK],
      refused: [ON, OFF, ON, OFF, ON, OFF, BACK],
    },
  })
})
