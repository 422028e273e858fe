import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import type { PluggableLine } from '../simulators/line.js'
import { tagFrame } from '../simulators/rdm6300.js'
import { tcpLine } from '../simulators/tcp-line.js'
import { openBytes, runRdm6300 } from './support/bytes.js'
import { FakeClock } from './support/fake-clock.js'
import { rejectsWith } from './support/rejects.js'
import { until } from './support/until.js'

describe('43 tcp: serial-to-Ethernet converters', () => {
  let line: PluggableLine
  let stop: AbortController

  beforeEach(async () => {
    stop = new AbortController()
    line = await tcpLine()
  })
  afterEach(async () => {
    stop.abort()
    await line.close()
  })

  it('carries cards one way and bytes the other', async () => {
    const received: number[] = []
    line.onReceive = (bytes) => received.push(...bytes)
    const { transport, close } = await openBytes(line.url, { signal: stop.signal })
    const { session, done } = runRdm6300(transport, stop.signal)
    await connected(line)
    await transport.write(Uint8Array.of(1, 2, 3))
    await until(() => session.sightings.length > 0 && received.length === 3)
    assert.deepEqual(session.values, ['0A00123456'])
    assert.deepEqual(received, [1, 2, 3])
    stop.abort()
    await done
    await close()
  })

  it('is lost when the far end closes, and comes back under the same address', async () => {
    for (let round = 0; round < 3; round++) {
      const { transport, close } = await openBytes(line.url, { signal: stop.signal })
      const { session, done } = runRdm6300(transport, stop.signal)
      await connected(line)
      await until(() => session.sightings.length === 1)
      await line.unplug()
      await rejectsWith('transport-lost', done)
      await rejectsWith('transport-lost', transport.write(Uint8Array.of(1)))
      await close()
      const error = await rejectsWith('transport-absent', openBytes(line.url))
      assert.match(error.hint ?? '', /nothing listens on this port/)
      await line.plug()
    }
  })

  it('is lost when the far end resets', async () => {
    await withServer(async (server, url) => {
      const accepted = once(server, 'connection')
      const { transport, close } = await openBytes(url)
      const { done } = runRdm6300(transport, stop.signal)
      const [host] = (await accepted) as [Socket]
      host.resetAndDestroy()
      const error = await rejectsWith('transport-lost', done)
      assert.match(String(error.cause), /ECONNRESET/)
      await close()
    })
  })

  it('says that a name is unknown', async () => {
    const error = await rejectsWith('transport-absent', openBytes('tcp://no-such-host.invalid:4001'))
    assert.match(error.hint ?? '', /DNS/)
  })

  it('gives up connecting after 5 s, and at once when stopped', async () => {
    await withDeafServer(async (url) => {
      const clock = new FakeClock()
      const late = rejectsWith('transport-absent', openBytes(url, { clock }))
      await until(() => clock.sleeping > 0)
      await clock.advance(4_999)
      assert.equal(clock.sleeping, 1)
      await clock.advance(1)
      assert.match((await late).hint ?? '', /no answer for 5 s/)

      const stopped = rejectsWith('transport-absent', openBytes(url, { clock, signal: stop.signal }))
      await until(() => clock.sleeping > 0)
      stop.abort()
      await stopped
      assert.equal(clock.sleeping, 0)
    })
  })

  it('asks a silent far end whether it lives', async () => {
    await withServer(async (server, url) => {
      const accepted = once(server, 'connection')
      const { close } = await openBytes(url)
      const [host] = (await accepted) as [Socket]
      assert.match(timerOf(host.remotePort ?? 0), /^02:/, 'a keep-alive timer runs')
      await close()
    })
  })

  it('fails a write that does not go out, and ends it when stopped', async () => {
    await withServer(async (server, url) => {
      server.on('connection', (host: Socket) => host.pause())
      const clock = new FakeClock()
      const flood = new Uint8Array(32 * 1024 * 1024)
      const first = await openBytes(url, { clock })
      const stuck = rejectsWith('transport-lost', first.transport.write(flood))
      await until(() => clock.sleeping > 0)
      await clock.advance(5_000)
      await stuck
      await first.close()

      const second = await openBytes(url, { clock, signal: stop.signal })
      const stopped = second.transport.write(flood)
      stop.abort()
      await stopped
      await second.close()
      assert.equal(clock.sleeping, 0)
    })
  })

  it('lets go of a signal that outlives it', async () => {
    for (let round = 0; round < 20; round++) await (await openBytes(line.url, { signal: stop.signal })).close()
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
  })
})

/** Presents a card until somebody is connected: a converter drops what nobody takes. */
async function connected(line: PluggableLine): Promise<void> {
  await until(() => line.send(tagFrame('0A00123456', 'rdm6300')) === 'whole')
}

async function withServer(work: (server: Server, url: string) => Promise<void>): Promise<void> {
  const server = createServer()
  server.on('connection', (host: Socket) => host.on('error', () => host.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address)
  const hosts = new Set<Socket>()
  server.on('connection', (host: Socket) => hosts.add(host))
  try {
    await work(server, `tcp://127.0.0.1:${address.port}`)
  } finally {
    for (const host of hosts) host.destroy()
    server.close()
  }
}

/** A host whose queue of connections is full: the kernel drops further ones unanswered, like a host that is off. */
async function withDeafServer(work: (url: string) => Promise<void>): Promise<void> {
  const program = `const server = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('fs').writeSync(1, String(server.address().port))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
  const deaf = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(deaf.stdout, 'data')) as [Buffer]
  const fillers = Array.from({ length: 4 }, () =>
    createConnection({ host: '127.0.0.1', port: Number(port.toString()) }),
  )
  for (const filler of fillers) filler.on('error', () => undefined)
  await until(() => fillers.filter((filler) => !filler.connecting).length >= 2)
  try {
    await work(`tcp://127.0.0.1:${port.toString()}`)
  } finally {
    for (const filler of fillers) filler.destroy()
    deaf.kill('SIGKILL')
    await once(deaf, 'exit')
  }
}

/** The kernel's timer of the connection with this local port: `02:…` is keep-alive. */
function timerOf(port: number): string {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  const fields = lines.map((line) => line.trim().split(/\s+/)).find(([, address]) => address?.endsWith(local))
  return fields?.[5] ?? 'no such connection'
}
