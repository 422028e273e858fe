import type { Credential } from '../../src/driver.js'
import { firmwareIn, FrameDecoder, targetsIn, type Frame } from '../../drivers/pn532/codec.js'
import { driver } from '../../drivers/pn532/index.js'
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
/** Green on P30, red on P31, buzzer on P33. */
const [GREEN, RED] = ['9', '10']

function textOf(frame: Frame): string {
  return frame.kind === 'data' ? Buffer.from(frame.data).toString('hex').toUpperCase() : frame.kind
}

describeDriver({
  driver,
  folder: 'drivers/pn532',
  config: { feedback: 'gpio' },
  shows: {
    accepted: [GREEN, '0'],
    repeat: [GREEN, '0', GREEN, '0'],
    unknown: [RED, '0'],
    refused: [RED, '0', RED, '0', RED, '0'],
  },
  silence: { timeoutMs: 10_000 },
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
      shown: () => twin.pins.splice(0).map(String),
      send: (bytes) => void line.send(bytes),
    }
  },
  decode: (pieces) => {
    const decoder = new FrameDecoder()
    const found = pieces.map((piece) => decoder.push(piece))
    const frames = found.flatMap((part) => part.frames)
    // What is still held when all bytes are there belongs to nothing.
    const discarded = found.reduce((sum, part) => sum + part.discarded, 0) + decoder.held
    const meaning: Record<string, unknown> = { frames: frames.map(textOf), discarded: discarded - trailing(frames) }
    for (const frame of frames) {
      if (frame.kind !== 'data') continue
      const cards = targetsIn(frame.data, 'a')
      if (cards) meaning['cards'] = cards.map(({ value }) => value)
      const firmware = firmwareIn(frame.data)
      if (firmware !== undefined) meaning['firmware'] = firmware
    }
    return meaning
  },
  stream: {
    asked: true,
    maxHeld: 280,
    held: (bytes) => {
      const decoder = new FrameDecoder()
      decoder.push(bytes)
      return decoder.held
    },
  },
})

/** Each good frame is followed by a 00 that is no part of it. */
function trailing(frames: readonly Frame[]): number {
  return frames.filter(({ kind }) => kind !== 'bad').length
}
