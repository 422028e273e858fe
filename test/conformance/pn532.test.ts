import type { Credential } from '../../src/driver.js'
import { frame, FrameDecoder, NACK, WAKE_UP, type Frame } from '../../drivers/pn532/codec.js'
import * as command from '../../drivers/pn532/commands.js'
import { driver } from '../../drivers/pn532/index.js'
import { targetsIn, type Target } from '../../drivers/pn532/targets.js'
import { memoryLine } from '../../simulators/line.js'
import { Pn532, type SimCard } from '../../simulators/pn532.js'
import { describeDriver } from './driver.js'

const CARDS: readonly SimCard[] = [
  { type: 'a', uid: '04A1B2C3D4E5F6' },
  { type: 'felica', idm: '0102030405060708' },
]
const credentials = ['04A1B2C3D4E5F6', '0102030405060708'].map((value): Credential => ({
  type: 'card',
  value,
  scope: 'global',
}))
/** P30, P31 and P33 are low when on; all others stay high, P7 is not written. */
const [DARK, GREEN, RED] = ['3f -', '36 -', '35 -']

/** What the driver sends, by the words of vectors.json. */
const SENT: Readonly<Record<string, Uint8Array>> = {
  'wake-up and SAM configuration': Uint8Array.from([...WAKE_UP, ...frame(command.SAM_CONFIGURATION)]),
  firmware: frame(command.FIRMWARE),
  parameters: frame(command.PARAMETERS),
  retries: frame(command.RETRIES),
  'field off': frame(command.FIELD_OFF),
  'list a': frame(command.list('a')),
  'list b': frame(command.list('b')),
  'list felica212': frame(command.list('felica212')),
  'list felica424': frame(command.list('felica424')),
  refusal: NACK,
}

describeDriver({
  driver,
  folder: 'drivers/pn532',
  config: { feedback: 'gpio' },
  shows: {
    accepted: [GREEN, DARK],
    repeat: [GREEN, DARK, GREEN, DARK],
    unknown: [RED, DARK],
    refused: [RED, DARK, RED, DARK, RED, DARK],
  },
  silence: { timeoutMs: 4_000 },
  startMs: 100,
  noticeMs: 1_000,
  restMs: 3_000,
  open: (clock, signal) => {
    const { line, transport } = memoryLine(clock, signal)
    const twin = new Pn532({ clock, line })
    return {
      transport,
      credentials,
      present: (index) => CARDS[index] && twin.put(CARDS[index]),
      withdraw: () => twin.remove(),
      unplug: () => line.unplug(),
      mute: () => void (twin.isMute = true),
      shown: () => twin.pins.splice(0),
      send: (bytes) => void line.send(bytes),
    }
  },
  decode: (pieces, { meaning }) => {
    if (meaning !== null && typeof meaning === 'object' && 'sends' in meaning) return sentIn(pieces)
    return meaningOf(pieces, technologyIn(meaning))
  },
  stream: {
    asked: true,
    // 00 FF, extended head, 265 bytes; the checksum would complete it.
    maxHeld: 272,
    held: (bytes) => {
      const decoder = new FrameDecoder()
      decoder.push(bytes)
      return decoder.held
    },
  },
})

function sentIn(pieces: readonly Uint8Array[]): unknown {
  const heard = Buffer.concat(pieces)
  return { sends: Object.entries(SENT).find(([, bytes]) => heard.equals(bytes))?.[0] }
}

function technologyIn(meaning: unknown): command.Technology | undefined {
  const named = typeof meaning === 'object' && meaning !== null && 'technology' in meaning && meaning.technology
  return (['a', 'b', 'felica212', 'felica424'] as const).find((technology) => technology === named)
}

function meaningOf(pieces: readonly Uint8Array[], technology: command.Technology | undefined): unknown {
  const decoder = new FrameDecoder()
  const found = pieces.map((piece) => decoder.push(piece))
  const frames = found.flatMap((part) => part.frames)
  const discarded = found.reduce((sum, part) => sum + part.discarded, 0) + decoder.reset()
  const meaning: Record<string, unknown> = { frames: frames.map(textOf), discarded }
  if (technology !== undefined) meaning['technology'] = technology
  for (const frame of frames) {
    if (frame.kind !== 'data') continue
    if (frame.data[0] === 0x4b) meaning['cards'] = targetsIn(frame.data, technology ?? 'a')?.map(targetText) ?? null
    const about = command.firmwareIn(frame.data)
    if (about) meaning['firmware'] = about.firmware
  }
  return meaning
}

function textOf(frame: Frame): string {
  return frame.kind === 'data' ? Buffer.from(frame.data).toString('hex').toUpperCase() : frame.kind
}

function targetText(target: Target): string {
  if (target.kind === 'unread') return target.why
  return target.random ? `${target.value} random` : target.value
}
