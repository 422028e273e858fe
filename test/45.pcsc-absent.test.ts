/** The pcsc transport where pcscd is absent, refuses, or goes away: no processor time, no process, a plain hint. */
import { strict as assert } from 'node:assert'
import { getEventListeners } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SystemClock } from '../src/clock.js'
import { TransportError } from '../src/driver.js'
import { openPcsc } from '../src/transport/pcsc.js'
import { isCode, pcscChildren, ticks } from './support/pcsc.js'
import { RecordingLogger } from './support/session.js'

const clock = new SystemClock()
let stop = new AbortController()
const open = () => openPcsc({ scheme: 'pcsc', name: '*' }, { clock, signal: stop.signal, log: new RecordingLogger() })

describe('pcsc without pcscd', () => {
  const folder = mkdtempSync(join(tmpdir(), 'punchd-'))
  const path = join(folder, 'pcscd.comm')
  let server: Server | undefined
  const sockets = new Set<Socket>()

  /** Something that listens where pcscd would. */
  async function listen(answer: (socket: Socket) => void): Promise<void> {
    server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      answer(socket)
    })
    await new Promise<void>((resolve) => server?.listen(path, resolve))
  }

  beforeEach(() => {
    process.env['PCSCLITE_CSOCK_NAME'] = path
    stop = new AbortController()
  })
  afterEach(async () => {
    delete process.env['PCSCLITE_CSOCK_NAME']
    stop.abort()
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
    server = undefined
    assert.deepEqual(pcscChildren(), [])
  })
  after(() => rmSync(folder, { recursive: true }))

  it('says so at once and names the command, without starting a process', async () => {
    await assert.rejects(open(), isCode('transport-unavailable', /systemctl start pcscd/))
  })

  it('costs no processor time while it is retried', async () => {
    const before = ticks(process.pid)
    for (let tries = 0; tries < 20; tries++) {
      await assert.rejects(open(), TransportError)
      assert.deepEqual(pcscChildren(), [])
      await clock.sleep(50)
    }
    const used = ticks(process.pid) - before
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
    assert.ok(used <= 15, `${used * 10} ms in a second`)
  })

  it('tells a refusal by polkit, which hangs up without a word', async () => {
    await listen((socket) => socket.destroy())
    await assert.rejects(open(), isCode('transport-denied', /polkit/))
  })

  it('does not take a pcscd that is just stopping for a refusal', async () => {
    await listen((socket) => (server?.close(), socket.destroy()))
    await assert.rejects(open(), isCode('transport-unavailable', /systemctl start pcscd/))
  })

  it('kills the child when pcscd goes away behind the first look: nfc-pcsc then spins for ever', async () => {
    await listen((socket) => (server?.close(), socket.end(Buffer.alloc(12))))
    const begun = performance.now()
    await assert.rejects(open(), isCode('transport-lost', /^$/))
    assert.ok(performance.now() - begun < 10_000)
  })

  it('names the packages to install when nfc-pcsc is missing', async () => {
    await listen((socket) => socket.write(Buffer.alloc(12)))
    const hook = 'export function resolve(s,c,n){if(s==="nfc-pcsc")throw new Error("gone");return n(s,c)}'
    const data = (script: string): string => `data:text/javascript,${encodeURIComponent(script)}`
    const before = process.env['NODE_OPTIONS']
    const script = `import{register}from"node:module";register(${JSON.stringify(data(hook))})`
    process.env['NODE_OPTIONS'] = `--import ${data(script)}`
    try {
      await assert.rejects(open(), isCode('transport-unavailable', /libpcsclite-dev/))
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS']
      else process.env['NODE_OPTIONS'] = before
    }
  })
})
