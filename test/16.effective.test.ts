/** What time it was, from clocks that were not set: the true time lies inside what is said, and nothing stored changes. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { zoneOffsets } from '../src/config/zone.js'
import { Journal, type Draft } from '../src/journal/journal.js'
import { writeCorrections } from '../src/journal/corrections.js'
import { Times } from '../src/journal/times.js'
import { FLOOR } from '../src/policy/effective.js'
import type { Moment } from '../src/model.js'
import { Gateway, schedules, storedBodies, type Event, type Taken } from './support/gateway-clocks.js'
import { IDENTITY, punchDraft } from './support/records.js'
import { tempFolder } from './support/temp.js'

const HOUR = 3_600_000
const punchAt = (moment: Moment): Draft => ({ ...punchDraft('AA'), moment })
const RUNS = 10_000

/** Plays a schedule into times alone: what a journal would do, without the disk. Calls `look` after each event. */
function played(
  events: readonly Event[],
  look: (times: Times, gateway: Gateway, drafts: readonly Draft[]) => void,
): Times {
  const gateway = new Gateway()
  let times = Times.from(undefined)
  let stored: string | undefined
  let seq = 0
  for (const event of events) {
    const drafts = gateway.play(event)
    const next = times.after(drafts, seq)
    stored = next.memory(times)?.value ?? stored
    seq += drafts.length
    const newest = next.newest && JSON.stringify({ clock: next.newest })
    // The process may end at any time, and knows then only what it kept, and its newest record.
    times = event.kind === 'restart' ? Times.from(stored, newest) : next
    while (times.due) {
      const done = times.after([], seq, times.due.through)
      stored = done.memory(times)?.value ?? stored
      times = done
    }
    look(times, gateway, drafts)
  }
  return times
}

function assertInside(times: Times, { moment, truth }: Taken): boolean {
  const effective = times.effective(moment)
  if (!effective) return false
  const [from, to] =
    'time' in effective
      ? [effective.time - effective.errorMs, effective.time + effective.errorMs]
      : [effective.earliest, effective.latest]
  assert.ok(from <= truth && truth <= to, `${truth} is not within ${from} and ${to}: ${JSON.stringify(moment)}`)
  return true
}

describe('effective time', () => {
  it(`has the true time inside its bound in ${RUNS} schedules, at every moment of each (C02, C03, C06)`, function () {
    this.timeout(120_000)
    let dated = 0
    let intervals = 0
    fc.assert(
      fc.property(schedules, (events) => {
        const times = played(events, (now, { punches }) => punches.forEach((punch) => assertInside(now, punch)))
        const gateway = new Gateway()
        events.forEach((event) => gateway.play(event))
        for (const { moment } of gateway.punches) {
          const effective = times.effective(moment)
          if (effective) 'time' in effective ? (dated += 1) : (intervals += 1)
        }
      }),
      { numRuns: RUNS },
    )
    assert.ok(dated > RUNS && intervals > RUNS / 10, `${dated} times and ${intervals} intervals were looked at`)
  })

  it('dates every punch once a clock is set at last', () => {
    fc.assert(
      fc.property(schedules, (events) => {
        const gateway = new Gateway()
        let times = Times.from(undefined)
        let seq = 0
        for (const event of [...events, { kind: 'sync', errorMs: 20 } as const]) {
          const drafts = gateway.play(event)
          times = times.after(drafts, seq)
          seq += drafts.length
        }
        for (const punch of gateway.punches)
          assert.ok(punch.moment.state === 'synced' || assertInside(times, punch), JSON.stringify(punch))
      }),
      { numRuns: 1_000 },
    )
  })

  const at = (boot: string, uptime: number, wall: number, errorMs: number | null = null): Moment => {
    return { boot, uptime, wall, state: errorMs === null ? 'unsynced' : 'synced', errorMs }
  }
  const syncAt = (moment: Moment): Draft => ({
    kind: 'audit',
    channel: 'clock-synced',
    moment,
    fields: {},
    sync: { state: 'synced', at: moment },
  })
  const WALL = Date.UTC(2026, 10, 23, 7)

  it('counts back from the sync of the same boot, 100 ppm and 60 ms worse', () => {
    const punch = at('one', HOUR, HOUR)
    const times = Times.from(undefined).after([punchAt(punch), syncAt(at('one', 3 * HOUR, WALL, 20))], 0)
    assert.deepEqual(times.effective(punch), { time: WALL - 2 * HOUR, errorMs: 20 + 720 + 60 })
  })

  it('says nothing of a clock that was set, and nothing before one was', () => {
    const times = Times.from(undefined).after([punchAt(at('one', HOUR, HOUR))], 0)
    assert.equal(times.effective(at('one', HOUR, HOUR)), undefined)
    assert.equal(times.after([syncAt(at('one', 2 * HOUR, WALL, 5))], 1).effective(at('one', HOUR, WALL, 9)), undefined)
  })

  it('puts two boots that were never synced between their neighbours (C07, C13)', () => {
    const first = at('two', HOUR, 0)
    const second = at('three', 2 * HOUR, 0)
    const times = Times.from(undefined).after(
      [
        syncAt(at('one', HOUR, WALL, 20)),
        punchAt(at('one', 2 * HOUR, WALL + HOUR, 20)),
        punchAt(first),
        punchAt(second),
        syncAt(at('four', HOUR, WALL + 24 * HOUR, 20)),
      ],
      0,
    )
    const interval = (moment: Moment) => {
      const effective = times.effective(moment)
      assert.ok(effective && 'earliest' in effective)
      return [(effective.earliest - WALL) / HOUR, (effective.latest - WALL) / HOUR].map(
        (hours) => Math.round(hours * 100) / 100,
      )
    }
    // The first: an hour at least after the last record of boot one. It was over before boot three began.
    assert.deepEqual(interval(first), [2, 21])
    assert.deepEqual(interval(second), [4, 23])
  })

  it('has a floor for a first boot without a neighbour: there was no punchd before', () => {
    const punch = at('one', HOUR, HOUR)
    const times = Times.from(undefined).after([punchAt(punch), syncAt(at('two', 0, WALL, 20))], 0)
    const effective = times.effective(punch)
    assert.ok(effective && 'earliest' in effective && effective.earliest > FLOOR && effective.latest <= WALL + 100)
  })

  it('takes the word of a source back that steps the clock it called set (C08)', () => {
    const punch = at('one', HOUR, 5 * HOUR)
    const times = Times.from(undefined).after(
      [syncAt(at('one', 10, WALL + 9 * HOUR, 20)), punchAt(punch), syncAt(at('one', 2 * HOUR, WALL, 20))],
      0,
    )
    assert.deepEqual(times.effective(punch), { time: WALL - HOUR, errorMs: 20 + 360 + 60 })
  })

  it('keeps what it remembers small over years', () => {
    let times = Times.from(undefined)
    for (let boot = 0; boot < 3_000; boot++) {
      const punch = punchAt(at(`boot-${boot}`, 10, 10))
      times = times.after(
        [punch, ...(boot % 3 === 2 ? [syncAt(at(`boot-${boot}`, 20, WALL + boot * HOUR, 20))] : [])],
        boot * 2,
      )
      while (times.due) times = times.after([], boot * 2 + 2, times.due.through)
    }
    const kept = times.memory(Times.from(undefined))?.value ?? ''
    assert.ok(kept.length > 1_000 && kept.length < 200_000, `${kept.length} characters`)
  })
})

describe('a journal of clocks that were not set', () => {
  const folder = tempFolder()
  const file = () => folder.file('journal.db')

  it('keeps every body, and corrects every punch exactly once, with restarts in between', function () {
    this.timeout(120_000)
    let run = 0
    fc.assert(
      fc.property(schedules, fc.array(fc.nat(3), { minLength: 41, maxLength: 41 }), (events, patience) => {
        const name = folder.file(`${run++}/journal.db`)
        const gateway = new Gateway()
        let journal = new Journal(name, IDENTITY)
        const before = new Map<number, Buffer>()
        for (const [at, event] of [...events, { kind: 'sync', errorMs: 20 } as const].entries()) {
          const drafts = gateway.play(event)
          if (drafts.length > 0) journal.append(drafts)
          // Some steps only, then perhaps a restart: what is left is written after it.
          let steps = patience[at] ?? 0
          while (steps > 0 && writeCorrections(journal, gateway.now(), 3)) steps -= 1
          if (event.kind === 'restart') {
            journal.close()
            journal = new Journal(name, IDENTITY)
          }
          const bodies = storedBodies(name)
          for (const [seq, body] of before) assert.deepEqual(bodies.get(seq), body)
          bodies.forEach((body, seq) => before.set(seq, body))
        }
        while (writeCorrections(journal, gateway.now()));
        assertCorrected(journal, gateway)
        journal.close()
      }),
      { numRuns: 100 },
    )
  })

  interface Stored {
    readonly id: string
    readonly schema: string
    readonly of?: string
    readonly time?: string
    readonly errorMs?: number
    readonly earliest?: string
    readonly latest?: string
    readonly clock: Moment
  }

  function assertCorrected(journal: Journal, { punches }: Gateway): void {
    const records = journal.tail(0, 100_000).records.map(({ body }) => JSON.parse(`${body.toString()}}`) as Stored)
    const stored = records.filter(({ schema }) => schema === 'punch/1')
    const corrections = records.filter(({ schema }) => schema === 'correction/1')
    const undated = stored.filter(({ clock }) => clock.state === 'unsynced')
    assert.deepEqual(corrections.map(({ of }) => of).sort(), undated.map(({ id }) => id).sort())
    for (const [index, { id, time: sent, clock }] of stored.entries()) {
      const truth = punches[index]?.truth ?? Number.NaN
      const correction = corrections.find(({ of }) => of === id)
      if (!correction) {
        assert.ok(Math.abs(Date.parse(sent ?? '') - truth) <= (clock.errorMs ?? Number.NaN))
        continue
      }
      const { time = '', errorMs = 0, earliest = time, latest = time } = correction
      const [from, to] = [Date.parse(earliest) - errorMs - 1, Date.parse(latest) + errorMs + 1]
      assert.ok(from <= truth && truth <= to, `${truth} is not within ${earliest} and ${latest} ± ${errorMs}`)
      assert.ok(Date.parse(sent ?? '') >= from && Date.parse(sent ?? '') <= to, 'what is sent now is within it too')
    }
  }

  it('does not take a record for old because its clock said 1970', () => {
    const journal = new Journal(file(), IDENTITY)
    const day = 24 * HOUR
    const wall = Date.UTC(2026, 10, 23)
    const set = (days: number): Moment => ({
      wall: wall + days * day,
      uptime: 9,
      boot: 'one',
      state: 'synced',
      errorMs: 20,
    })
    const moments: Moment[] = [
      { wall: 5, uptime: 5, boot: 'one', state: 'unsynced', errorMs: null },
      set(0),
      set(1),
      set(2),
    ]
    // One of a clock far ahead keeps nobody.
    journal.append(
      [...moments, { ...set(0), wall: wall + 5_000 * day, state: 'unsynced' } as const, set(3)].map(punchAt),
    )
    journal.settle(6)
    assert.equal(journal.forget(wall - day, 100, wall + 4 * day), 0)
    assert.equal(journal.forget(wall + day, 100, wall + 4 * day), 2)
    assert.deepEqual([...storedBodies(file()).keys()], [3, 4, 5, 6])
    journal.close()
  })

  it('stores and sends the same whatever TZ says, on both sides of the ends of summer time (C04)', () => {
    const walls = [
      Date.UTC(2026, 2, 29, 0, 59),
      Date.UTC(2026, 2, 29, 1),
      Date.UTC(2026, 9, 25, 0, 30),
      Date.UTC(2026, 9, 25, 1, 30),
    ]
    const told = ['UTC', 'Pacific/Apia', 'America/St_Johns', 'Not/There'].map((zone, index) => {
      const [before, name] = [process.env['TZ'], folder.file(`zone-${index}/journal.db`)]
      process.env['TZ'] = zone
      try {
        const journal = new Journal(name, { ...IDENTITY, offsets: zoneOffsets('Europe/Berlin', Date.UTC(2026, 5)) })
        for (const wall of walls)
          journal.append([punchAt({ wall, uptime: 1, boot: 'one', state: 'synced', errorMs: 20 })])
        const times = journal
          .tail(0, 10)
          .records.map(({ body }) => (JSON.parse(`${body.toString()}}`) as { time: string }).time)
        const clocks = journal
          .tail(0, 10)
          .records.map(({ body }) => (JSON.parse(`${body.toString()}}`) as { clock: Moment }).clock)
        journal.close()
        return { times, clocks }
      } finally {
        if (before === undefined) delete process.env['TZ']
        else process.env['TZ'] = before
      }
    })
    for (const other of told) assert.deepEqual(other, told[0])
    assert.deepEqual(told[0]?.times, [
      '2026-03-29T01:59:00.000+01:00',
      '2026-03-29T03:00:00.000+02:00',
      '2026-10-25T02:30:00.000+02:00',
      '2026-10-25T02:30:00.000+01:00',
    ])
  })

  it('costs a journal whose clock is set one comparison a punch', () => {
    const journal = new Journal(file(), IDENTITY)
    const moment = { ...new Gateway().now(), state: 'synced', errorMs: 20, wall: Date.UTC(2026, 10, 23) } as const
    journal.append([
      { kind: 'audit', channel: 'clock-synced', moment, fields: {}, sync: { state: 'synced', at: moment } },
    ])
    const looked = (): string => assert.fail('the evidence was looked at')
    assert.equal(journal.times.wallOf(2, moment.wall, looked), moment.wall)
    journal.close()
  })
})
