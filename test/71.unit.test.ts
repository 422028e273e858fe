/** The files in systemd/, asked of the programs that will read them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { EXIT } from '../src/errors.js'
import { skip } from './support/skip.js'

const FOLDER = 'systemd'
/** Tenths of systemd's exposure score, 0 best, 100 worst. Measured 18 on systemd 252; the rest is for newer checks. */
const HIGHEST_EXPOSURE = 25

describe('the systemd files', () => {
  const unit = readFileSync(join(FOLDER, 'punchd.service'), 'utf8')
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'punchd-unit-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  /** `verify` wants the program to be there, and no unit of the same name that is installed already. */
  function copyOfUnit(text: string): string {
    const path = join(folder, 'punchd-under-test.service')
    writeFileSync(path, text.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'))
    return path
  }

  describe('the unit', () => {
    before(function () {
      if (spawnSync('systemd-analyze', ['--version']).error) skip(this, 'systemd-analyze is not installed')
    })

    /** Exit code 0 says nothing: unknown keys are only printed. */
    function complaintsAbout(text: string): string {
      const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', copyOfUnit(text)], {
        encoding: 'utf8',
      })
      return status === 0 ? stderr : `${stderr} (exit code ${status})`
    }

    it('is understood to the last line', () => {
      assert.equal(complaintsAbout(unit), '')
    })

    it('would not pass with a misspelt key', () => {
      assert.match(complaintsAbout(unit.replace('WatchdogSec', 'WatchdogSex')), /WatchdogSex/)
    })

    it('exposes little', () => {
      const args = ['security', '--offline=true', `--threshold=${HIGHEST_EXPOSURE}`, '--no-pager', copyOfUnit(unit)]
      const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
      assert.equal(status, 0, stdout + stderr)
    })
  })

  it('restart punchd but after what no restart can mend', () => {
    assert.match(unit, new RegExp(`^RestartPreventExitStatus=${EXIT.usage} ${EXIT.config}$`, 'm'))
  })

  it('start it again for ever, after seconds and not at once, and let others go first when memory runs out (A12, A16)', () => {
    const valueOf = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? ''
    assert.deepEqual([valueOf('Restart'), valueOf('StartLimitIntervalSec')], ['always', '0'])
    const pauseS = Number(/^(\d+)s$/.exec(valueOf('RestartSec'))?.[1])
    assert.ok(pauseS >= 1 && pauseS <= 60, `${pauseS} s`)
    // [Unit] is where systemd looks for it; elsewhere it is ignored, and five crashes are the end.
    assert.ok(unit.indexOf('StartLimitIntervalSec') < unit.indexOf('[Service]'))
    assert.ok(Number(valueOf('OOMScoreAdjust')) < 0)
    assert.match(valueOf('MemoryMax'), /^\d+M$/)
  })

  it('leave alone what Node and the clock need', () => {
    for (const breaking of ['MemoryDenyWriteExecute', 'PrivateUsers', 'ProcSubset', 'network-online']) {
      assert.ok(!unit.includes(breaking), breaking)
    }
  })

  it('make the account', function () {
    mkdirSync(join(folder, 'etc'))
    const file = join(process.cwd(), FOLDER, 'punchd.sysusers')
    const { error, status, stderr } = spawnSync('systemd-sysusers', [`--root=${folder}`, file], { encoding: 'utf8' })
    if (error) skip(this, 'systemd-sysusers is not installed')
    assert.equal(status, 0, stderr)
    assert.match(readFileSync(join(folder, 'etc/passwd'), 'utf8'), /^punchd:.*:\/var\/lib\/punchd:/m)
  })

  it('let punchd use PC/SC, and decide nothing else', () => {
    const answers = polkitAnswers()
    assert.equal(answers('org.debian.pcsc-lite.access_pcsc', 'punchd'), 'yes')
    assert.equal(answers('org.debian.pcsc-lite.access_card', 'punchd'), 'yes')
    assert.equal(answers('org.debian.pcsc-lite.access_card', 'someone'), undefined)
    assert.equal(answers('org.freedesktop.login1.reboot', 'punchd'), undefined)
  })
})

type Rule = (action: { id: string }, subject: { user: string }) => string | undefined

function polkitAnswers(): (id: string, user: string) => string | undefined {
  const rules: Rule[] = []
  const polkit = { addRule: (rule: Rule) => rules.push(rule), Result: { YES: 'yes' } }
  runInNewContext(readFileSync(join(FOLDER, '50-punchd-pcscd.rules'), 'utf8'), { polkit })
  return (id, user) => rules.map((rule) => rule({ id }, { user })).find((answer) => answer !== undefined)
}
