/** `punchd qr`, as people call it: real processes, files, exit codes. */
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { Judge } from '../drivers/qr/judge.js'
import { Keys } from '../drivers/qr/keys.js'
import { parseToken } from '../drivers/qr/token.js'
import type { Ended } from './support/child.js'
import { verb } from './support/daemon.js'
import { tempFolder } from './support/temp.js'

describe('punchd qr', function () {
  this.timeout(60_000)
  const folder = tempFolder()

  async function fails(args: readonly string[], code: number, told: RegExp): Promise<void> {
    const ended = await verb(['qr', ...args])
    assert.deepEqual([ended.code, ended.stdout], [code, ''], ended.stderr)
    assert.match(ended.stderr, told)
    assert.ok(!/unexpected:|node:internal/.test(ended.stderr), ended.stderr)
  }
  const ok = async (...args: string[]): Promise<Ended> => {
    const ended = await verb(['qr', ...args])
    assert.deepEqual([ended.code, ended.stderr], [0, ''])
    return ended
  }

  for (const kind of ['ed25519', 'hmac'] as const) {
    it(`makes an ${kind} key, and a reader set up with what it prints takes its codes`, async () => {
      const file = folder.file(`${kind}.key`)
      const { stdout } = await ok('keygen', `--${kind}`, '-o', file)
      assert.equal(statSync(file).mode & 0o777, 0o600)
      const publicKeys = /^ {2}publicKeys: (\S{44})$/m.exec(stdout)?.[1] ?? ''
      const secretFile = /^ {2}hmacSecret: \{ file: "(.*)" \}$/m.exec(stdout)?.[1]
      assert.ok(kind === 'hmac' ? secretFile === file && publicKeys === '' : publicKeys !== '' && secretFile === undefined) // prettier-ignore
      const text = readFileSync(file, 'utf8')
      assert.ok(!stdout.includes(text.trim()), 'the key itself is not printed')
      const hmacSecret = secretFile === undefined ? '' : text.trim()
      const keys = new Keys({ signed: 'require', publicKeys, hmacSecret })

      const before = Date.now()
      const issued = await ok('issue', '--person', '1042', '--for', '30s', '--key', file)
      const code = issued.stdout.trim()
      const token = parseToken(code)
      assert.ok(token)
      assert.equal(token.expires - token.issued, 30)
      assert.ok(token.issued * 1_000 >= before - 1_000 && token.issued * 1_000 <= Date.now())
      const judge = new Judge(keys, { clockSkew: 5_000, maxLifetime: 300_000 }, 0)
      const now = { wall: Date.now(), uptime: 1e9, boot: 'b', state: 'synced', errorMs: 20 } as const
      const taken = judge.judge(code, now)
      assert.equal(typeof taken === 'string' ? taken : taken.person, '1042')
    })
  }

  it('prints JSON', async () => {
    const file = folder.file('json.key')
    const made = JSON.parse((await ok('keygen', '--ed25519', '-o', file, '--json')).stdout) as Record<string, unknown>
    assert.deepEqual([made['file'], made['kind'], String(made['publicKeys']).length], [file, 'ed25519', 44])
    const { stdout } = await ok('issue', '--person', 'Zoë', '--key', file, '--json')
    const facts = JSON.parse(stdout) as Record<string, unknown>
    const token = parseToken(String(facts['code']))
    assert.ok(token)
    assert.deepEqual(
      [facts['keyId'], facts['tokenId'], facts['issued'], facts['expires'], made['keyId'], token.person],
      [token.keyId, token.id, token.issued, token.expires, token.keyId, 'Zoë'],
    )
  })

  it('gives each code an id of its own', async () => {
    const file = folder.file('id.key')
    await ok('keygen', '--hmac', '-o', file)
    const codes = await Promise.all(
      [1, 2, 3].map(async () => (await ok('issue', '--person', '1', '--key', file)).stdout),
    )
    assert.equal(new Set(codes.map((code) => parseToken(code.trim())?.id)).size, 3)
  })

  it('says when readers will refuse a code as it lives too long', async () => {
    const file = folder.file('long.key')
    await ok('keygen', '--hmac', '-o', file)
    const { code, stderr } = await verb(['qr', 'issue', '--person', '1', '--for', '1h', '--key', file])
    assert.equal(code, 0)
    assert.match(stderr, /options\.maxLifetime/)
  })

  it('overwrites no key', async () => {
    const file = folder.file('old.key')
    writeFileSync(file, 'precious')
    await fails(['keygen', '--hmac', '-o', file], 73, /never overwritten/)
    assert.equal(readFileSync(file, 'utf8'), 'precious')
    await fails(['keygen', '--hmac', '-o', folder.file('none/x.key')], 73, /cannot write[\s\S]*choose a folder/)
  })

  it('says what is wrong', async () => {
    const file = folder.file('bad.key')
    writeFileSync(file, 'too short')
    await fails(['keygen', '-o', folder.file('x')], 64, /--ed25519 or --hmac/)
    await fails(['keygen', '--hmac', '--ed25519', '-o', folder.file('x')], 64, /--ed25519 or --hmac/)
    await fails(['issue', '--person', '1'], 64, /--key/)
    await fails(['issue', '--person', '1', '--key', folder.file('none')], 65, /cannot read the key[\s\S]*keygen/)
    await fails(['issue', '--person', '1', '--key', file], 65, /holds no key[\s\S]*keygen/)
    await fails(['issue', '--person', '', '--key', file], 64, /it is empty/)
    await fails(['issue', '--person', 'x'.repeat(65), '--key', file], 64, /65 bytes/)
    await fails(['issue', '--person', '1', '--for', 'soon', '--key', file], 64, /30s, 5m/)
    await fails(['issue', '--person', '1', '--for', '36500d', '--key', file], 65, /holds no key/)
  })
})
