/** Enrolment as a new user does it: a simulated module in one terminal, the daemon in the next, `punchd enroll` in a third. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { startChild, type Child } from './support/child.js'
import { startDaemon, startVerb, verb, writeConfig } from './support/daemon.js'
import { freePort } from './support/broker.js'
import { root } from './support/root.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

describe('enrolment at the command line', function () {
  this.timeout(60_000)
  const folder = tempFolder()
  let module: Child
  let daemon: Child
  let config: string

  const type = (line: string): void => void module.process.stdin?.write(`${line}\n`)
  const state = async (): Promise<string> => (await verb(['readers', '--config', config])).stdout
  const slots = async (): Promise<string> =>
    (await verb(['enroll', 'finger', '--list', '--config', config])).stdout.trim()
  /** Does what each step says, until it ends or the person has had enough. */
  const follow = async (enrol: Child, name: string, steps = Infinity): Promise<void> => {
    let done = 0
    while (enrol.process.exitCode === null && done < steps) {
      const told = enrol.output.stderr.split('\n').filter((line) => line !== '')
      const step = told[done]
      if (step === undefined) {
        await until(() => enrol.process.exitCode !== null || enrol.output.stderr.split('\n').length - 1 > done)
        continue
      }
      done += 1
      type(step.startsWith('Place') ? name : '')
    }
  }

  beforeEach(async () => {
    const port = await freePort()
    module = startChild(process.execPath, [join(root, 'dist/src/main.js'), 'sim', 'finger', '--port', String(port)], {
      input: true,
    })
    await until(() => module.output.stdout.includes('listens'))
    config = writeConfig(folder.path, {
      readers: [['id: finger', 'driver: zfm', `transport: tcp://127.0.0.1:${port}`]],
    })
    daemon = await startDaemon(config)
    await until(async () => / up /.test(await state()), 20_000, 'the module')
  })
  afterEach(async () => {
    for (const child of [daemon, module]) {
      child.process.kill('SIGTERM')
      await child.ended
    }
  })

  it('says at every step what to do, stores the finger, and the finger punches', async () => {
    const enrol = startVerb(['enroll', 'finger', '--person', '1042', '--config', config])
    await follow(enrol, 'ben')
    const { code, stdout, stderr } = await enrol.ended
    assert.equal(code, 0)
    assert.match(
      stderr,
      /^Place the finger on the sensor \(1 of 4\)\.\nLift the finger\.\nPlace the same finger again \(2 of 4\)\./,
    )
    assert.match(stdout, /Stored in slot 0 of finger/)
    assert.equal(await slots(), 'Slots in use: 0 (1 of 200).')
    type('')
    type('ben')
    await until(
      async () => (await verb(['punches', '--config', config])).stdout.includes('fingerprint'),
      20_000,
      'the punch',
    )
    const records = await verb(['export', 'ndjson', '--config', config])
    assert.match(
      records.stdout,
      /"type":"enrolled".*"detail":\{"person":"1042","slot":0\}|"detail":\{"person":"1042","slot":0\}.*"type":"enrolled"/,
    )
  })

  it('is cancelled by Ctrl-C in the middle, and leaves the module clean', async () => {
    const enrol = startVerb(['enroll', 'finger', '--config', config])
    await follow(enrol, 'ben', 3)
    enrol.process.kill('SIGINT')
    const { code, stderr } = await enrol.ended
    assert.deepEqual([code, /Cancelled; nothing was stored/.test(stderr)], [1, true])
    assert.equal(await slots(), 'Slots in use: none (0 of 200).')
  })

  it('ends plainly when the cable is pulled in the middle, and leaves the module clean', async () => {
    const enrol = startVerb(['enroll', 'finger', '--config', config])
    await follow(enrol, 'ben', 3)
    type('pull')
    const { code, stderr } = await enrol.ended
    assert.deepEqual([code, /the reader went away meanwhile/.test(stderr)], [69, true])
    type('plug')
    await until(async () => / up /.test(await state()), 20_000, 'the module again')
    assert.equal(await slots(), 'Slots in use: none (0 of 200).')
  })
})
