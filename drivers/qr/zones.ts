/** What the zones of a GM65 are set to. [QR §2.3, §2.4] */
import type { Config } from './config.js'

export const ZONE = { mode: 0x0000, trigger: 0x0002, codes: 0x0003, interval: 0x0005, single: 0x0006, sound: 0x000e, sameCode: 0x0013, tail: 0x0060, model: 0x00e0, version: 0x00e2 } as const // prettier-ignore

/** Standard aim, light as the sheet has it, and who starts a read: 01 the host, 10 nobody. [QR §2.4: D1, D6] */
const MODES = { trigger: 0x11, continuous: 0x16 } as const
/** LED and sound when a code was read. [QR §2.3] */
const READ_SIGNALS = 0xc0
/** Bits 3-2: the light. [QR §2.3] */
const LIGHT = 0x0c
const LIGHT_ON = 0x08
const SOUND_ON_SUCCESS = 0x04
/** A scanner of this family cannot end a text with LF alone. [QR §2.3] */
const TAILS: Readonly<Record<Config['suffix'], number | undefined>> = { cr: 0x01, crlf: 0x21, tab: 0x41, none: 0x60, lf: undefined } // prettier-ignore
/** How long one read may take, in tenths of a second. */
export const SINGLE_READ = 0x32
/** Pause between two reads, in tenths of a second. */
const INTERVAL = 0x05

/** One zone: bits of `mask` shall be `value`, the others stay. */
export interface Setting {
  readonly zone: number
  readonly value: number
  readonly mask: number
}

/** What zone 0000 is for this configuration. */
export function modeOf({ setup, readBeep }: Pick<Config, 'setup' | 'readBeep'>): number {
  return MODES[setup === 'continuous' ? 'continuous' : 'trigger'] | (readBeep ? READ_SIGNALS : 0)
}

/** Zone 0000 with the light always on, or always off. */
export function withLight(mode: number, on: boolean): number {
  return (mode & ~LIGHT) | (on ? LIGHT_ON : 0)
}

/** In the order of the sheet. Not 000D: a scanner that answers sends where it was asked. [QR §2.4] */
export function settingsOf(config: Config): Setting[] {
  const whole = 0xff
  const tail = TAILS[config.suffix]
  return [
    { zone: ZONE.mode, value: modeOf(config), mask: whole },
    // Its own sound would tell a person "done" before the punch is on disk.
    { zone: ZONE.sound, value: config.readBeep ? SOUND_ON_SUCCESS : 0, mask: SOUND_ON_SUCCESS },
    ...(tail === undefined ? [] : [{ zone: ZONE.tail, value: tail, mask: whole }]),
    { zone: ZONE.interval, value: INTERVAL, mask: whole },
    { zone: ZONE.single, value: SINGLE_READ, mask: whole },
    // Else a code in view falls silent for longer than `hold`, and comes back as a new presentation.
    { zone: ZONE.sameCode, value: 0, mask: 0x80 },
    // Last: a printed setup code must not change all this. [QR §2.3]
    { zone: ZONE.codes, value: 0x02, mask: 0x02 },
  ]
}
