/** The host of native packages: whatever the child does, the parent gets an error and no process stays. */
import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { DeviceError, TransportError } from '../src/errors.js'
import { Host, type HostLimits } from '../src/transport/host/host.js'
import { RecordingLogger } from './support/session.js'
import { skip } from './support/skip.js'
import { until } from './support/until.js'

const program = new URL('./support/host-child.js', import.meta.url)

function isAlive(pid: number): boolean {
  // A zombie is dead: it only waits for its parent to hear of it.
  return existsSync(`/proc/${pid}`) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

interface Started {
  readonly host: Host
  readonly log: RecordingLogger
  readonly events: unknown[]
  readonly lost: TransportError[]
}

async function start(limits: Partial<HostLimits> = {}): Promise<Started> {
  const log = new RecordingLogger()
  const events: unknown[] = []
  const lost: TransportError[] = []
  const onEvent = (body: unknown): void => void events.push(body)
  const onLost = (error: TransportError): void => void lost.push(error)
  const host = await Host.start({ name: 'test', program, log, onEvent, onLost, limits })
  return { host, log, events, lost }
}

describe('host of a native package', function () {
  it('carries requests, answers, refusals and events', async () => {
    const { host, log, events, lost } = await start()
    assert.deepEqual(await host.request('echo', { a: [1] }), { a: [1] })
    await host.request('emit', { kind: 'x' })
    assert.deepEqual(events, [{ kind: 'x' }])
    await assert.rejects(
      host.request('refuse', {}),
      (error) => error instanceof DeviceError && error.hint === 'ask again',
    )
    await assert.rejects(
      host.request('?', {}),
      (error) => error instanceof TransportError && error.code === 'protocol-broken',
    )
    await host.close()
    await host.close()
    assert.ok(!isAlive(host.pid ?? 0))
    assert.deepEqual([log.lines, lost], [[], []], 'an orderly end is no event')
    await assert.rejects(host.request('echo', {}), TransportError)
  })

  const ends: [verb: string, how: RegExp, code: string][] = [
    ['spin', /silent/, 'transport-lost'],
    ['abort', /SIGABRT/, 'transport-lost'],
    ['leak', /SIGABRT|exit/, 'transport-lost'],
  ]
  for (const [verb, how, code] of ends) {
    it(`gives a child up that does: ${verb} (E10, E11, E12)`, async () => {
      const { host, log, lost } = await start({ memoryMb: 24 })
      await assert.rejects(host.request(verb, {}), (error) => error instanceof TransportError && error.code === code)
      await until(() => lost.length > 0)
      await until(() => !isAlive(host.pid ?? 0), 2_000, 'the end of the child')
      assert.equal(log.lines.length, 1, JSON.stringify(log.lines))
      assert.match(String(log.lines[0]?.fields['how']), how)
      assert.equal(lost.length, 1)
      await host.close()
    })
  }

  it('kills a spinning child within two seconds (E10)', async () => {
    const { host, lost } = await start()
    const begun = performance.now()
    host.request('spin', {}).catch(() => undefined)
    await until(() => lost.length > 0)
    const tookMs = performance.now() - begun
    assert.ok(tookMs > 1_000 && tookMs < 2_500, `${tookMs} ms`)
    await host.close()
  })

  it('passes on why the child ended by itself', async () => {
    for (const [verb, code, message] of [
      ['fatal', 'transport-unavailable', /the service is gone/],
      ['bug', 'transport-lost', /a bug/],
    ] as const) {
      const { host, lost } = await start()
      host.request(verb, {}).catch(() => undefined)
      await until(() => lost.length > 0)
      assert.equal(lost[0]?.code, code)
      assert.match(String(lost[0]), message)
      await host.close()
      assert.ok(!isAlive(host.pid ?? 0))
    }
  })

  it('notices at once that the child was killed', async () => {
    const { host, log, lost } = await start()
    process.kill(host.pid ?? 0, 'SIGKILL')
    await until(() => lost.length > 0, 1_000)
    assert.match(lost[0]?.message ?? '', /SIGKILL/)
    assert.equal(log.lines.length, 1)
    await host.close()
  })

  it('does not blame the child for a pause of its parent', async () => {
    const { host, lost } = await start()
    const end = performance.now() + 2_500
    while (performance.now() < end);
    assert.equal(await host.request('echo', 1), 1)
    assert.deepEqual(lost, [])
    await host.close()
  })

  it('closes a stuck child too', async () => {
    const { host, lost } = await start({ closeMs: 100 })
    host.request('spin', {}).catch(() => undefined)
    await host.close()
    assert.ok(!isAlive(host.pid ?? 0))
    assert.deepEqual(lost, [])
  })

  it('gives up a request that is not answered, and takes no more than it can hold', async () => {
    const { host } = await start({ requestMs: 1_000, pending: 2 })
    const two = [host.request('hang', {}), host.request('hang', {})].map((request) =>
      assert.rejects(request, /did not answer/),
    )
    await assert.rejects(host.request('echo', {}), /does not keep up/)
    await Promise.all(two)
    assert.equal(await host.request('echo', 1), 1)
    await host.close()
  })

  for (const [kind, limits, took] of [
    ['deaf', { startMs: 600 }, 'loading'],
    ['stuck', { silentMs: 600 }, 'beginning'],
  ] as const) {
    it(`gives up a child that hangs while ${took}`, async () => {
      process.env['HOST_TEST'] = kind
      try {
        await assert.rejects(start(limits), (error) => error instanceof TransportError && /silent/.test(error.message))
      } finally {
        delete process.env['HOST_TEST']
      }
    })
  }

  it('rejects when there is no program', async () => {
    const log = new RecordingLogger()
    const nothing = new URL('./nothing-here.js', import.meta.url)
    const options = { name: 'test', program: nothing, log, onEvent: () => undefined, onLost: () => undefined }
    await assert.rejects(Host.start(options), TransportError)
  })

  for (const verb of ['echo', 'spin']) {
    it(`does not outlive its parent, killed while the child does: ${verb}`, async function () {
      if (verb === 'spin' && !existsSync('/usr/bin/setpriv')) skip(this, 'setpriv of util-linux is not installed')
      const script = `
      import { Host } from ${JSON.stringify(new URL('../src/transport/host/host.js', import.meta.url).href)}
      const none = () => undefined
      const host = await Host.start({ name: 'test', program: new URL(${JSON.stringify(program.href)}), log: {}, onEvent: none, onLost: none })
      host.request(${JSON.stringify(verb)}, {}).catch(none)
      console.log(host.pid)
      setInterval(none, 1000)`
      const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let pid = 0
      parent.stdout.on('data', (text: Buffer) => (pid = Number(text.toString())))
      await until(() => pid > 0)
      assert.ok(isAlive(pid))
      parent.kill('SIGKILL')
      await until(() => !isAlive(pid), 2_000, 'the end of the orphan')
    })
  }

  it('leaves the end to the parent when the whole group is signalled', async () => {
    const { host, lost } = await start()
    process.kill(host.pid ?? 0, 'SIGTERM')
    process.kill(host.pid ?? 0, 'SIGINT')
    assert.equal(await host.request('echo', 1), 1)
    assert.deepEqual(lost, [])
    await host.close()
  })
})
