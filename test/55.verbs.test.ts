/** The verbs as scripts and people call them: real processes, exit codes, output. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lockDirectory } from '../src/journal/lock.js'
import { startChild, type Ended } from './support/child.js'
import { verb, writeConfig, type ConfigParts } from './support/daemon.js'
import { root } from './support/root.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'

const READER = ['id: gate', 'name: North gate', 'driver: rdm6300', 'transport: serial:/dev/serial/by-id/none']
const VERBS = ['run', 'check', 'readers', 'tail', 'punches', 'backlog', 'config', 'version']

describe('verbs', function () {
  this.timeout(60_000)
  const folder = tempFolder()

  /** Runs a verb and looks at what all have in common: no traces of the machine inside. */
  async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const ended = await verb(args, env)
    const all = ended.stdout + ended.stderr
    assert.ok(!/^\s+at .*:\d+/m.test(all) && !/unexpected:|node:internal/.test(all), all)
    return ended
  }
  async function fails(
    args: readonly string[],
    code: number,
    told: RegExp,
    env: NodeJS.ProcessEnv = {},
  ): Promise<Ended> {
    const ended = await run(args, env)
    assert.deepEqual([ended.code, ended.stdout], [code, ''], ended.stderr)
    assert.match(ended.stderr, told)
    return ended
  }
  const configured = (parts: ConfigParts = {}): string[] => [
    '--config',
    writeConfig(folder.path, { readers: [READER], ...parts }),
  ]

  describe('wrongly called', () => {
    it('exit 64 and say what was meant', async () => {
      await fails(['tial'], 64, /unknown command 'tial'[\s\S]*Did you mean tail\?/)
      await fails(['punches', '--form', '10m'], 64, /unknown option '--form'[\s\S]*Did you mean --from\?/)
      await fails(['export'], 64, /missing required argument/)
      await fails(['backlog', 'retry'], 64, /missing required argument/)
      await fails(['export', 'pdf', ...configured()], 64, /no export format "pdf"[\s\S]*csv/)
      await fails(['punches', '--config'], 64, /argument missing/)
    })

    it('exit 64 without a verb, with the list of verbs', async () => {
      const { code, stdout, stderr } = await run([])
      assert.equal(code, 64)
      for (const name of VERBS) assert.match(stdout + stderr, new RegExp(`^ {2}${name}\\b`, 'm'))
    })
  })

  describe('asked for help', () => {
    for (const args of [[], ...VERBS.map((name) => [name]), ['export'], ['config', 'show'], ['backlog', 'retry']]) {
      it(`exit 0: ${['punchd', ...args].join(' ')} --help`, async () => {
        const { code, stdout } = await run([...args, '--help'])
        assert.equal(code, 0)
        assert.match(stdout, /^Usage: punchd/)
        if (args.length > 0 && args[0] !== 'config') assert.match(stdout, /--config <file>/)
      })
    }
  })

  describe('without a configuration', () => {
    for (const args of [
      ['run'],
      ['readers'],
      ['tail'],
      ['punches'],
      ['backlog'],
      ['backlog', 'retry', 'x'],
      ['export', 'csv'],
      ['config', 'show'],
    ]) {
      it(`exit 78: ${args.join(' ')}`, () =>
        fails([...args, '--config', folder.file('none.yaml')], 78, /none\.yaml +cannot be read: ENOENT[\s\S]*1 error/))
    }

    it('exit 78: check, and the problem is a result', async () => {
      const { code, stdout } = await run(['check', '--config', folder.file('none.yaml')])
      assert.equal(code, 78)
      assert.match(stdout, /none\.yaml +cannot be read/)
    })

    it('take its path from PUNCHD_CONFIG', () =>
      fails(['punches'], 78, /other\.yaml/, { PUNCHD_CONFIG: folder.file('other.yaml') }))
  })

  describe('check', () => {
    it('says that a configuration is valid', async () => {
      const args = configured()
      const { code, stdout, stderr } = await run(['check', ...args])
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /0 errors, 0 warnings\.\n.*config\.yaml is valid\.\n$/)
    })

    it('lists every problem with its place', async () => {
      const args = configured({ lines: ['polcy: {}', 'log: { level: loud }'] })
      const { code, stdout } = await run(['check', ...args])
      assert.equal(code, 78)
      assert.match(
        stdout,
        /config\.yaml:12:1 {2}polcy {2}unknown key "polcy"\n {2}12 \| polcy: \{\}\n {5}\| \^ did you mean "policy"\?/,
      )
      assert.match(stdout, /config\.yaml:13:15 {2}log\.level {2}must be/)
      assert.match(stdout, /2 errors, 0 warnings\./)
    })

    it('prints JSON', async () => {
      const args = configured({ lines: ['polcy: {}'] })
      const { stdout } = await run(['check', '--json', ...args])
      const { ok, problems } = JSON.parse(stdout) as { ok: boolean; problems: Record<string, unknown>[] }
      assert.equal(ok, false)
      const { line, column, path, severity, message } = problems[0] ?? {}
      assert.deepEqual([line, column, path, severity, message], [12, 1, 'polcy', 'error', 'unknown key "polcy"'])
    })

    it('does not touch the data directory', async () => {
      await run(['check', ...configured()])
      assert.deepEqual(readdirSync(folder.path), ['config.yaml'])
    })
  })

  describe('run', () => {
    it('exits 78 with all problems of its configuration, and leaves nothing behind', async () => {
      const args = configured({ lines: ['polcy: {}', 'log: { level: loud }'] })
      await fails(['run', ...args], 78, /polcy[\s\S]*log\.level[\s\S]*2 errors/)
      assert.deepEqual(readdirSync(folder.path), ['config.yaml'])
    })

    it('exits 75 beside another daemon, and names it (A15)', async () => {
      const args = configured()
      const unlock = lockDirectory(folder.path)
      await fails(['run', ...args], 75, new RegExp(`another punchd \\(pid ${process.pid}\\)`))
      unlock()
    })

    it('exits 65 when the journal belongs to somebody else', async () => {
      const args = configured()
      writeFileSync(folder.file('journal.db'), 'dear diary')
      await fails(['run', ...args], 65, /not a SQLite database/)
      assert.equal(readFileSync(folder.file('journal.db'), 'utf8'), 'dear diary')
    })

    it('exits 74 when its directory cannot be made', async () => {
      const args = configured()
      writeFileSync(folder.file('plain'), '')
      await fails(['run', ...args], 74, /cannot use .*plain\/data[\s\S]*writable/, {
        PUNCHD_DATA__PATH: folder.file('plain/data'),
      })
    })
  })

  describe('without a daemon', () => {
    it('readers lists the configured ones and exits 69', async () => {
      const args = configured()
      const { code, stdout, stderr } = await run(['readers', ...args])
      assert.equal(code, 69)
      assert.match(stdout, /^gate +rdm6300 +unknown/)
      assert.match(stderr, /no daemon runs[\s\S]*punchd run/)
      const json = JSON.parse((await run(['readers', '--json', ...args])).stdout) as Record<string, unknown>[]
      assert.deepEqual([json[0]?.['id'], json[0]?.['name'], json[0]?.['state']], ['gate', 'North gate', 'unknown'])
    })

    it('readers exits 77 when this user may not ask', async function () {
      if (process.getuid?.() !== 0) skip(this, 'only root can become somebody else')
      // The directory of the data is closed to others, the configuration is not.
      const args = ['--reuid=65534', '--clear-groups', process.execPath, join(root, 'dist/src/main.js'), 'readers']
      configured()
      copyFileSync(folder.file('config.yaml'), `${folder.path}.yaml`)
      const { code, stderr } = await startChild('setpriv', [...args, '--config', `${folder.path}.yaml`]).ended
      rmSync(`${folder.path}.yaml`)
      assert.equal(code, 77, stderr)
      assert.match(stderr, /may not talk to the daemon/)
    })

    it('backlog retry exits 69', () => fails(['backlog', 'retry', 'x', ...configured()], 69, /no daemon runs/))

    const atRest = [['verify'], ['backup', 'kept'], ['keys', 'rotate'], ['people', 'list']]
    for (const args of [['punches'], ['backlog'], ['export', 'csv'], ['export', 'ndjson'], ...atRest]) {
      it(`${args.join(' ')} exits 69 before there is a journal`, async () => {
        await fails([...args, ...configured()], 69, /there is no journal at .*\n.*has the daemon run/)
        assert.ok(!existsSync(folder.file('journal.db')))
        assert.ok(!existsSync('kept'))
      })
    }

    it('what reads the journal exits 65 when it is none', async () => {
      const args = configured()
      writeFileSync(folder.file('journal.db'), 'dear diary')
      for (const name of ['punches', 'backlog']) await fails([name, ...args], 65, /not a SQLite database/)
    })
  })

  describe('config', () => {
    it('example is a valid configuration', async () => {
      const { code, stdout } = await run(['config', 'example'])
      assert.equal(code, 0)
      writeFileSync(folder.file('example.yaml'), stdout)
      assert.equal((await run(['check', '--config', folder.file('example.yaml')])).code, 0)
      const json = JSON.parse((await run(['config', 'example', '--json'])).stdout) as Record<string, unknown>
      assert.equal(json['version'], 1)
    })

    it('schema is JSON', async () => {
      const schema = JSON.parse((await run(['config', 'schema'])).stdout) as Record<string, unknown>
      assert.match(String(schema['$schema']), /json-schema/)
    })

    it('show tells values, and with --origin where they come from; no secrets', async () => {
      const args = configured({ mqtt: ['password: hunter2'] })
      const plain = await run(['config', 'show', ...args])
      assert.match(plain.stdout, /^mqtt\.window = 64$/m)
      assert.match(plain.stdout, /^readers\[0\]\.id = gate$/m)
      const env = { PUNCHD_MQTT__WINDOW: '7' }
      const { stdout } = await run(['config', 'show', '--origin', ...args], env)
      assert.match(stdout, /^mqtt\.window = 7 +# environment PUNCHD_MQTT__WINDOW$/m)
      assert.match(stdout, /^log\.level = info +# default$/m)
      assert.match(stdout, /^site\.id = hq +# .*config\.yaml:2$/m)
      assert.match(stdout, /^mqtt\.password = •+ +# .*config\.yaml:7$/m)
      const json = JSON.parse((await run(['config', 'show', '--json', ...args])).stdout) as Record<string, unknown>[]
      assert.ok(json.every((value) => 'path' in value && 'value' in value && 'origin' in value))
      assert.ok(!(plain.stdout + stdout + JSON.stringify(json)).includes('hunter2'))
    })
  })

  it('version tells its own and that of Node', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    assert.equal((await run(['version'])).stdout, `punchd ${version}, Node ${process.versions.node}\n`)
    const json = JSON.parse((await run(['version', '--json'])).stdout) as Record<string, unknown>
    assert.deepEqual([json['version'], json['config']], [version, 1])
  })
})
