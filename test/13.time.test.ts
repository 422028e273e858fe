/** Times as records write them and as people type them. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { zoneOffsets } from '../src/config/zone.js'
import { durationMs } from '../src/config/options.js'
import { VerbError } from '../src/errors.js'
import { zoneFormatter, type ZoneOffsets } from '../src/journal/time.js'
import { parseInstant } from '../src/verbs/instant.js'

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Africa/Casablanca',
  'Asia/Tehran',
]
const NOW = Date.UTC(2026, 10, 22, 12)
const offsetsOf = new Map<string, ZoneOffsets>(ZONES.map((zone) => [zone, zoneOffsets(zone, NOW)]))

/** What Intl, which the formatter does without, makes of an instant. */
function intlText(wall: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    timeZoneName: 'longOffset',
  })
  const part = new Map(format.formatToParts(wall).map(({ type, value }) => [type, value]))
  const get = (type: Intl.DateTimeFormatPartTypes): string => part.get(type) ?? ''
  const offset = get('timeZoneName').replace('GMT', '')
  const seconds = `${get('second')}.${get('fractionalSecond')}`
  return `${get('year')}-${get('month')}-${get('day')}T${get('hour')}:${get('minute')}:${seconds}${/^(\+00:00)?$/.test(offset) ? 'Z' : offset}`
}

describe('written times', () => {
  it('are those of the contract', () => {
    const timeOf = zoneFormatter(zoneOffsets('Europe/Berlin', NOW))
    assert.equal(timeOf(Date.UTC(2026, 10, 22, 7, 57, 31, 412)), '2026-11-22T08:57:31.412+01:00')
    assert.equal(zoneFormatter([])(0), '1970-01-01T00:00:00.000Z')
    assert.equal(zoneFormatter([[0, -210]])(0), '1969-12-31T20:30:00.000-03:30')
  })

  it('change their offset in the very millisecond in which the clocks change (C04)', () => {
    const timeOf = zoneFormatter(zoneOffsets('Europe/Berlin', NOW))
    const spring = Date.UTC(2026, 2, 29, 1)
    assert.deepEqual(
      [timeOf(spring - 1), timeOf(spring)],
      ['2026-03-29T01:59:59.999+01:00', '2026-03-29T03:00:00.000+02:00'],
    )
    const autumn = Date.UTC(2026, 9, 25, 1)
    assert.deepEqual(
      [timeOf(autumn - 1), timeOf(autumn)],
      ['2026-10-25T02:59:59.999+02:00', '2026-10-25T02:00:00.000+01:00'],
    )
  })

  for (const zone of ZONES) {
    it(`agree with Intl from 1971 to twenty years from now in ${zone} (C04)`, () => {
      const timeOf = zoneFormatter(offsetsOf.get(zone) ?? [])
      const wall = fc.integer({ min: Date.UTC(1971, 0), max: Date.UTC(2046, 0) })
      fc.assert(
        fc.property(wall, (instant) => assert.equal(timeOf(instant), intlText(instant, zone))),
        { numRuns: 300 },
      )
      for (const [change] of offsetsOf.get(zone) ?? []) {
        for (const instant of [change - 1, change, change + 1]) {
          if (instant > Date.UTC(1971, 0)) assert.equal(timeOf(instant), intlText(instant, zone))
        }
      }
    })
  }

  it('are of a zone that exists', () => {
    assert.throws(() => zoneOffsets('Europe/Atlantis', NOW), RangeError)
  })

  it('are read back as the same instant', () => {
    const pick = fc.tuple(fc.constantFrom(...ZONES), fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2046, 0) }))
    fc.assert(fc.property(pick, ([zone, wall]) => Date.parse(zoneFormatter(offsetsOf.get(zone) ?? [])(wall)) === wall))
  })
})

describe('typed times', () => {
  const berlin = zoneOffsets('Europe/Berlin', NOW)
  const parse = (written: string): string => new Date(parseInstant(written, berlin, NOW)).toISOString()

  it('are ages, dates and times of day in the zone of the site', () => {
    assert.equal(parse('10m'), '2026-11-22T11:50:00.000Z')
    assert.equal(parse('2d'), '2026-11-20T12:00:00.000Z')
    assert.equal(parse('2026-11-22'), '2026-11-21T23:00:00.000Z')
    assert.equal(parse('2026-07-22'), '2026-07-21T22:00:00.000Z')
    assert.equal(parse('2026-11-22T08:00'), '2026-11-22T07:00:00.000Z')
    assert.equal(parse('2026-11-22 08:00:30'), '2026-11-22T07:00:30.000Z')
    assert.equal(parse('2026-11-22T08:00:30.250'), '2026-11-22T07:00:30.250Z')
  })

  it('may name their own zone', () => {
    assert.equal(parse('2026-11-22T08:00Z'), '2026-11-22T08:00:00.000Z')
    assert.equal(parse('2026-11-22T08:00:00-03:30'), '2026-11-22T11:30:00.000Z')
  })

  it('mean the clock on the wall on the days on which it changes', () => {
    assert.equal(parse('2026-03-29T01:59'), '2026-03-29T00:59:00.000Z')
    assert.equal(parse('2026-03-29T03:00'), '2026-03-29T01:00:00.000Z')
    assert.equal(parse('2026-03-29'), '2026-03-28T23:00:00.000Z')
    assert.equal(parse('2026-10-25T01:59'), '2026-10-24T23:59:00.000Z')
    assert.equal(parse('2026-10-25T03:00'), '2026-10-25T02:00:00.000Z')
    // Two o'clock comes twice: either will do, but nothing else.
    assert.match(parse('2026-10-25T02:30'), /^2026-10-25T0[01]:30:00.000Z$/)
  })

  it('are what the formatter writes, in every zone', () => {
    const pick = fc.tuple(fc.constantFrom(...ZONES), fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2046, 0) }))
    fc.assert(
      fc.property(pick, ([zone, wall]) => {
        const offsets = offsetsOf.get(zone) ?? []
        const timeOf = zoneFormatter(offsets)
        assert.equal(parseInstant(timeOf(wall), offsets, NOW), wall)
        // Without its offset the text is the same time of day, of this hour or its twin.
        const local = timeOf(wall).slice(0, 23)
        assert.equal(timeOf(parseInstant(local, offsets, NOW)).slice(0, 23), local)
      }),
      { numRuns: 2_000 },
    )
  })

  it('that are none are a usage error with examples', () => {
    for (const written of [
      '',
      'yesterday',
      '10',
      '2026-13-01',
      '2026-11-22T25:00',
      '22.11.2026',
      '-5m',
      '2026-02-30',
    ]) {
      assert.throws(
        () => parseInstant(written, berlin, NOW),
        (error) => error instanceof VerbError && error.exitCode === 64 && /2026-11-22/.test(error.hint ?? ''),
        written,
      )
    }
  })
})

describe('durations', () => {
  it('have a unit', () => {
    const written = ['500ms', '30s', '5m', '2h', '400d', '0s']
    assert.deepEqual(written.map(durationMs), [500, 30_000, 300_000, 7_200_000, 34_560_000_000, 0])
  })

  it('are nothing without one, with a sign, a fraction or a word', () => {
    for (const written of ['', '5', '-5m', '1.5h', '5 m', '5M', 'five', '5mm', '1234567890s', '٣m'])
      assert.equal(durationMs(written), undefined, written)
  })
})
