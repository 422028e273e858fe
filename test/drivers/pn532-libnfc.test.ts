/** The twin of the PN532 before a program that neither we nor its author's reading of the sheet wrote: nfc-list of libnfc. */
import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Pn532, type SimCard } from '../../simulators/pn532.js'
import { ptyLine } from '../../simulators/pty-line.js'
import { SystemClock } from '../../src/clock.js'
import { startChild } from '../support/child.js'
import { hasSocat } from '../support/bytes.js'
import { skip } from '../support/skip.js'
import { tempFolder } from '../support/temp.js'

const hasNfcList = (): boolean => spawnSync('nfc-list', ['-h']).status !== null

const CARDS: readonly { readonly card: SimCard; readonly shows: RegExp }[] = [
  { card: { type: 'a', uid: '04A1B2C3D4E5F6' }, shows: /UID \(NFCID1\): 04 {2}a1 {2}b2 {2}c3 {2}d4 {2}e5 {2}f6/ },
  { card: { type: 'a', uid: '04112233445566', ats: '067577810280' }, shows: /ATS: 75 {2}77 {2}81 {2}02 {2}80/ },
  { card: { type: 'felica', idm: '012E4CD123456789' }, shows: /ID \(NFCID2\): 01 {2}2e {2}4c {2}d1 {2}23 {2}45 {2}67 {2}89[^]*System Code \(SC\): 88 {2}b4/ }, // prettier-ignore
  { card: { type: 'b', pupi: 'A1B2C3D4' }, shows: /PUPI: a1 {2}b2 {2}c3 {2}d4/ },
]

describe('the pn532 twin under libnfc', function () {
  this.timeout(30_000)
  const folder = tempFolder()

  for (const { card, shows } of CARDS) {
    const number = card.type === 'a' ? card.uid : card.type === 'b' ? card.pupi : card.idm
    it(`lists ${card.type} ${number}`, async function () {
      if (!hasSocat()) skip(this, 'socat is not installed (sudo apt install socat)')
      if (!hasNfcList()) skip(this, 'nfc-list is not installed (sudo apt install libnfc-bin)')
      const path = join(folder.path, 'tty')
      const line = await ptyLine(path)
      try {
        new Pn532({ clock: new SystemClock(), line, answerMs: 2 }).put(card)
        const env = { ...process.env, LIBNFC_DEVICE: `pn532_uart:${path}` }
        const { stdout, stderr } = await startChild('nfc-list', [], { env }).ended
        assert.match(stdout, shows, stderr)
      } finally {
        await line.close()
      }
    })
  }
})
