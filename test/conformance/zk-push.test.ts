import * as codec from '../../drivers/zk-push/codec.js'
import { driver } from '../../drivers/zk-push/index.js'
import { ZkPush } from '../../simulators/zk-push.js'
import type { Credential, Point } from '../../src/driver.js'
import { MemoryHttp } from '../../src/transport/memory-http.js'
import { describeDriver } from './driver.js'

const SERIAL = 'CQZ7224460123'
const point: Point = {
  id: 'hall',
  name: 'Hall',
  match: { serial: SERIAL },
  options: { verifyCodes: 'new', pushPassword: '', countsTables: true },
}
const credentials = ['0042', 'A-7'].map((value): Credential => ({ type: 'user', value, scope: 'hall' }))

describeDriver({
  driver,
  folder: 'drivers/zk-push',
  scheme: 'http',
  points: [point],
  shows: 'none',
  silence: 'normal',
  startMs: 2_000,
  open: (clock, signal) => {
    const http = new MemoryHttp(clock, signal)
    // Terminals live longer than a run of the driver; this one ends with it, and leaves no timer.
    const twin = new ZkPush({
      clock,
      serial: SERIAL,
      send: async (method, url, body) => {
        const reply = await http.send({ method, url, ...(body !== undefined && { body: Buffer.from(body, 'latin1') }) })
        return { status: reply.status, body: String(reply.body ?? '') }
      },
    })
    const off = new AbortController()
    signal.addEventListener('abort', () => off.abort(), { once: true })
    void twin.run(off.signal)
    return {
      transport: http,
      credentials,
      present: (index) => twin.punch(credentials[index]?.value ?? ''),
      withdraw: () => undefined,
      unplug: () => {
        off.abort()
        http.lose()
      },
      mute: () => off.abort(),
      shown: () => [],
      pointOf: () => 'hall',
    }
  },
  decode: (pieces, { meaning }) => {
    const text = Buffer.concat(pieces).toString('latin1')
    const kind = Object.keys(meaning as object)
    if (kind.includes('row')) return { row: plain(codec.attendanceRow(text)) }
    if (kind.includes('door')) {
      const door = codec.doorEvent(text)
      return { door: plain(door), passage: door !== undefined && codec.isPassage(door) }
    }
    if (kind.includes('operation')) return { operation: plain(codec.operationIn(text)) }
    if (kind.includes('results')) return { results: codec.resultsIn(Buffer.from(text, 'latin1')) }
    if (kind.includes('seconds')) return { seconds: codec.zkSeconds(text) }
    const { sends } = meaning as { sends: codec.Greeting }
    return codec.greeting(sends) === text ? { sends } : codec.greeting(sends)
  },
})

/** As JSON has it: no undefined. */
function plain(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown)
}
