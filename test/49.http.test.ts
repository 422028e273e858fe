/** The listener and the client that terminals are spoken to with, over real sockets. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import { addressList } from '../src/addresses.js'
import type { HttpReply, HttpRequest } from '../src/driver.js'
import { TransportError } from '../src/errors.js'
import { SystemClock } from '../src/clock.js'
import { openHttp } from '../src/transport/http.js'
import type { Opened } from '../src/transport/url.js'
import { freePort } from './support/broker.js'
import { RecordingLogger } from './support/session.js'
import { until } from './support/until.js'

type HttpOpened = Extract<Opened, { kind: 'http' }>

describe('the HTTP transport', () => {
  let port: number
  let opened: HttpOpened
  let stop: AbortController
  const open = async (): Promise<HttpOpened> => {
    const context = { clock: new SystemClock(), signal: stop.signal, log: new RecordingLogger() }
    const found = await openHttp({ scheme: 'http', host: '127.0.0.1', port }, context)
    assert.equal(found.kind, 'http')
    return found
  }
  const fetchText = async (path: string, init?: RequestInit): Promise<readonly [number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, init)
    return [answer.status, await answer.text()]
  }

  beforeEach(async () => {
    port = await freePort()
    stop = new AbortController()
    opened = await open()
  })
  afterEach(async () => {
    stop.abort()
    await opened.close()
  })

  it('hands over a request with its address, its query in any case, and its moment', async () => {
    const seen: HttpRequest[] = []
    void opened.transport.serve(async (request) => {
      seen.push(request)
      return { status: 200, body: 'OK' }
    })
    assert.deepEqual(await fetchText('/iclock/cdata?SN=1&Table=x', { method: 'POST', body: 'hello' }), [200, 'OK'])
    const [request] = seen
    assert.equal(request?.method, 'POST')
    assert.deepEqual({ ...request.query }, { sn: '1', table: 'x' })
    assert.equal(Buffer.from(request.body).toString(), 'hello')
    assert.deepEqual([request.remote, request.complete], ['127.0.0.1', true])
  })

  it('answers 503 before anybody serves, and 413 to a body without end', async () => {
    assert.equal((await fetchText('/'))[0], 503)
    void opened.transport.serve(async () => ({ status: 200 }))
    const big = connect(port, '127.0.0.1')
    let answer = ''
    big.on('data', (text) => (answer += String(text)))
    big.on('error', () => undefined)
    big.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${20 * 1024 * 1024}\r\n\r\n`)
    for (let piece = 0; piece < 20 && !big.destroyed; piece++) big.write(Buffer.alloc(1024 * 1024))
    await until(() => big.destroyed, 10_000, 'the end')
    assert.ok(answer === '' || answer.startsWith('HTTP/1.1 413'))
    assert.equal((await fetchText('/'))[0], 200)
  })

  it('hands over a body that was cut, and says so', async () => {
    const seen: HttpRequest[] = []
    void opened.transport.serve(async (request) => {
      seen.push(request)
      return { status: 200 }
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf of it')
    await once(socket, 'connect')
    setTimeout(() => socket.destroy(), 50)
    await until(() => seen.length === 1, 5_000, 'the request')
    assert.deepEqual([Buffer.from(seen[0]?.body ?? []).toString(), seen[0]?.complete], ['half of it', false])
  })

  it('serves many at once, survives garbage, and tells the sender of an error before it ends with it', async () => {
    let release: (() => void) | undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    const served = opened.transport.serve(async ({ path }): Promise<HttpReply> => {
      if (path === '/slow') await gate
      if (path === '/bug') throw new TypeError('no')
      return { status: 200, body: path }
    })
    const ended = assert.rejects(served, /no/)
    const slow = fetchText('/slow')
    const junk = connect(port, '127.0.0.1')
    junk.on('error', () => undefined)
    junk.write('\x16\x03\x01\x02\x00garbage\r\n\r\n')
    assert.deepEqual(await fetchText('/fast'), [200, '/fast'])
    release?.()
    assert.deepEqual(await slow, [200, '/slow'])
    assert.equal((await fetchText('/bug'))[0], 500)
    await ended
    junk.destroy()
  })

  it('says who else listens there', async () => {
    await assert.rejects(open(), (error) => error instanceof TransportError && error.code === 'transport-locked' && /ss -ltnp/.test(error.hint ?? '')) // prettier-ignore
  })

  it('ends serving and its connections when the session does', async () => {
    const served = opened.transport.serve(() => new Promise(() => undefined))
    const hanging = fetch(`http://127.0.0.1:${port}/`).catch(() => 'cut')
    await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    await served
    await opened.close()
    assert.equal(await hanging, 'cut')
  })

  describe('as a client', () => {
    let server: Server
    let base: string
    beforeEach(async () => {
      server = createServer((request, response) => {
        if (request.url === '/mute') return
        response.setHeader('X-Kind', 'twin')
        if (request.url === '/stream') {
          response.write('one ')
          setTimeout(() => response.end('two'), 20)
          return
        }
        if (request.url === '/cut') {
          response.writeHead(200, { 'Content-Length': 100 })
          response.write('half')
          setTimeout(() => response.destroy(), 20)
          return
        }
        response.statusCode = 401
        response.end('who?')
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    })
    afterEach(() => {
      server.closeAllConnections()
      server.close()
    })

    it('reads answers of every status, and long ones as they come', async () => {
      const { transport } = opened
      const refused = await transport.ask({ method: 'GET', url: `${base}/` })
      assert.deepEqual([refused.status, await refused.text(), refused.headers['x-kind']], [401, 'who?', 'twin'])
      const stream = await transport.ask({ method: 'GET', url: `${base}/stream` })
      const pieces: string[] = []
      for await (const { bytes } of stream.chunks) pieces.push(Buffer.from(bytes).toString())
      assert.deepEqual(pieces, ['one ', 'two'])
    })

    it('gives up on silence, on a broken answer, and on nobody', async () => {
      const { transport } = opened
      const isLost = (error: unknown): boolean => error instanceof TransportError
      await assert.rejects(transport.ask({ method: 'GET', url: `${base}/mute`, silentMs: 100 }), isLost)
      const cut = await transport.ask({ method: 'GET', url: `${base}/cut` })
      await assert.rejects(cut.text(), isLost)
      await assert.rejects(transport.ask({ method: 'GET', url: `http://127.0.0.1:${await freePort()}/` }), isLost)
    })
  })
})

describe('a list of addresses', () => {
  it('knows networks of both kinds, and everybody when it is empty', () => {
    const list = addressList('192.168.1.0/24, 10.0.0.5 fd00::/8')
    assert.ok(!('problem' in list))
    const asked = ['192.168.1.9', '192.168.2.9', '10.0.0.5', '10.0.0.6', 'fd12::1', 'fe80::1', 'nonsense']
    assert.deepEqual(asked.map((address) => list.has(address)), [true, false, true, false, true, false, false]) // prettier-ignore
    const all = addressList('')
    assert.ok(!('problem' in all) && all.has('8.8.8.8'))
    for (const wrong of ['192.168.1.0/33', 'host', '1.2.3', '10.0.0.0/', '10.0.0.0/-1']) assert.ok('problem' in addressList(wrong), wrong) // prettier-ignore
  })
})
