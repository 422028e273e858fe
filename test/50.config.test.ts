/** The configuration: every problem at once, each with its place and its remedy. */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { drivers } from '../drivers/index.js'
import type { Config } from '../src/config/config.js'
import { loadConfig, type Loaded } from '../src/config/load.js'
import { printProblem } from '../src/config/problems.js'
import { effectiveValues } from '../src/config/show.js'
import { tempFolder } from './support/temp.js'

const MINIMAL = `version: 1
site: { id: hq }
mqtt: { url: mqtt://broker:1883 }
`

describe('the configuration', () => {
  const folder = tempFolder()

  function load(text: string, env: NodeJS.ProcessEnv = {}): Loaded {
    writeFileSync(folder.file('config.yaml'), text)
    return loadConfig(folder.file('config.yaml'), { drivers, env })
  }
  function valid(text: string, env: NodeJS.ProcessEnv = {}): Config {
    const { config, problems } = load(text, env)
    assert.ok(config, problems.map(printProblem).join('\n'))
    return config
  }
  /** Problems as `line:column path message`. */
  function problems(text: string, env: NodeJS.ProcessEnv = {}): string[] {
    return load(text, env).problems.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`)
  }
  /** What is printed, without the path of the file. */
  function printed(text: string, env: NodeJS.ProcessEnv = {}): string {
    return load(text, env).problems.map(printProblem).join('\n').replaceAll(folder.file('config.yaml'), 'config.yaml')
  }

  describe('that is valid', () => {
    it('has every default filled in', () => {
      const { site, gateway, ...rest } = valid(MINIMAL)
      assert.deepEqual([site.id, site.name, site.timezone], ['hq', 'hq', 'UTC'])
      assert.match(gateway.id, /^[a-z0-9-]{1,32}$/)
      assert.deepEqual(rest, {
        data: { path: '/var/lib/punchd', keepSettledMs: 400 * 86_400_000 },
        mqtt: {
          urls: ['mqtt://broker:1883'],
          protocol: 5,
          clientId: `punchd-hq-${gateway.id}`,
          username: undefined,
          password: undefined,
          tls: {},
          topicPrefix: 'punchd/v1',
          window: 64,
          settle: 'puback',
        },
        readers: [],
        policy: {
          repeatWindowMs: 300_000,
          verify: [],
          unknown: 'publish',
          autoDirection: { dayStartMs: 14_400_000, maxStayMs: 57_600_000 },
        },
        log: { level: 'info' },
      })
    })

    it('may name several doors to a broker', () => {
      const nodes = ['mqtt://a:1883', 'mqtts://b:8883']
      const text = MINIMAL.replace('mqtt://broker:1883', `[${nodes.join(', ')}]`)
      assert.deepEqual(valid(text).mqtt.urls, nodes)
      assert.deepEqual(valid(MINIMAL, { PUNCHD_MQTT__URL: `[${nodes.join(', ')}]` }).mqtt.urls, nodes)
      const wrong = (written: string): string[] => problems(MINIMAL.replace('mqtt://broker:1883', written))
      assert.match(wrong('[mqtt://a:1883, http://b]').join('\n'), /^3:30 mqtt\.url\[1\] must be mqtt:[^\n]*$/)
      assert.match(wrong('[]').join('\n'), /^3:14 mqtt\.url must be at least 1$/)
      assert.match(wrong('5').join('\n'), /^3:14 mqtt\.url must be mqtt:[^\n]* a list of these$/)
    })

    it('fills in the defaults of readers and of their drivers', () => {
      const { readers } = valid(`${MINIMAL}readers:\n  - { id: gate, driver: rdm6300, transport: 'serial:/dev/x' }\n`)
      assert.deepEqual(readers, [
        {
          id: 'gate',
          name: 'gate',
          driver: 'rdm6300',
          transport: { scheme: 'serial', path: '/dev/x', baudRate: 9600 },
          direction: 'none',
          place: 'gate',
          points: [],
          options: { hold: 500 },
          sim: false,
          enabled: true,
        },
      ])
    })

    it('is frozen to its leaves', () => {
      const config = valid(`${MINIMAL}readers:\n  - { id: gate, driver: rdm6300, transport: 'serial:/dev/x' }\n`)
      const walk = (value: unknown, path: string): void => {
        if (typeof value !== 'object' || value === null) return
        assert.ok(Object.isFrozen(value), path)
        for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`)
      }
      walk(config, 'config')
    })

    it('reads durations with their units', () => {
      const of = (written: string): number =>
        valid(`${MINIMAL}policy: { repeatWindow: ${written} }\n`).policy.repeatWindowMs
      assert.deepEqual(
        ['0s', '500ms', '90s', '5m', '2h', '1d'].map(of),
        [0, 500, 90_000, 300_000, 7_200_000, 86_400_000],
      )
    })

    it('reads YAML 1.2: no is a word, not false', () => {
      assert.equal(valid(`${MINIMAL}data: { path: /data/no }\n`).data.path, '/data/no')
      assert.equal(valid(MINIMAL.replace('id: hq', 'id: no')).site.id, 'no')
    })

    it('takes a password from a file, a variable or a credential of systemd', () => {
      writeFileSync(folder.file('secret'), 'hunter2\n')
      chmodSync(folder.file('secret'), 0o600)
      const of = (written: string, env: NodeJS.ProcessEnv = {}): string | undefined =>
        valid(MINIMAL.replace('1883 }', `1883, password: ${written} }`), env).mqtt.password
      assert.equal(of(`{ file: ${folder.file('secret')} }`), 'hunter2')
      assert.equal(of('{ env: SECRET }', { SECRET: 'hunter2' }), 'hunter2')
      assert.equal(of('{ credential: secret }', { CREDENTIALS_DIRECTORY: folder.path }), 'hunter2')
      assert.equal(of('hunter2'), 'hunter2')
    })

    it('warns of a port that may be another device tomorrow, and not of one with a name of its own (E03)', () => {
      const of = (path: string): [string, string, string | undefined][] =>
        load(
          `${MINIMAL}readers:\n  - { id: gate, driver: rdm6300, transport: "serial:${path}?baudRate=9600" }\n`,
        ).problems.map(({ severity, message, suggestion }) => [severity, message, suggestion])
      for (const path of ['/dev/ttyUSB0', '/dev/ttyACM12'])
        assert.deepEqual(of(path), [['warning', `${path} may be another device after a reboot`, 'use the name under /dev/serial/by-id/']]) // prettier-ignore
      assert.deepEqual(of('/dev/serial/by-id/usb-FTDI_A10K-if00-port0'), [])
      assert.deepEqual(of('/dev/serial/by-path/pci-0000:01:00.0-usb-0:1.3:1.0-port0'), [])
    })

    it('warns of a secret that everybody may read, and is valid', () => {
      writeFileSync(folder.file('secret'), 'hunter2\n')
      chmodSync(folder.file('secret'), 0o644)
      const loaded = load(MINIMAL.replace('1883 }', `1883, password: { file: ${folder.file('secret')} } }`))
      assert.ok(loaded.config)
      assert.deepEqual(loaded.problems.map(({ severity, message }) => [severity, message.includes('readable by everyone')]), [['warning', true]]) // prettier-ignore
    })
  })

  describe('with errors', () => {
    it('names all of them at once, in order, with line and column', () => {
      const text = `version: 2
site:
  id: HQ Berlin
  timezone: Europe/Atlantis
mqtt:
  url: http://broker
  protocl: 5
  window: 0
readers:
  - id: gate
    driver: rdm6300
    transport: pcsc:*
    direction: inside
  - id: gate
    driver: rdm63000
    transport: serial:/dev/x?baudRate=fast
    options: { hold: 5 }
policy:
  repeatWindow: 5 minutes
`
      assert.deepEqual(problems(text), [
        '1:10 version must be 1',
        '3:7 site.id must be 1 to 32 of a-z, 0-9 and -',
        '4:13 site.timezone is no IANA time zone, such as Europe/Berlin',
        '6:8 mqtt.url must be mqtt://HOST:PORT, mqtts://HOST:PORT, ws://… or wss://…, without user or password',
        '7:3 mqtt.protocl unknown key "protocl"',
        '8:11 mqtt.window must be at least 1',
        '12:16 readers[0].transport driver rdm6300 does not speak over pcsc:',
        '13:16 readers[0].direction must be in, out, none or auto',
        '14:9 readers[1].id reader id "gate" is already used by readers[0]',
        '15:13 readers[1].driver there is no driver "rdm63000"',
        '16:16 readers[1].transport baudRate "fast" is no whole number from 50 to 4000000',
        '19:17 policy.repeatWindow must be a duration like 500ms, 30s, 5m, 2h or 7d',
      ])
    })

    it('names rules of verification that can never hold', () => {
      const rule = (written: string): string[] =>
        problems(`${MINIMAL}readers:
  - { id: gate, driver: rdm6300, transport: 'tcp://h:1', place: vault }
policy: { verify: [${written}] }
`).map((problem) => problem.replace(/^\S+ /, ''))
      const good = '{ place: vault, factors: [card, fingerprint] }'
      assert.deepEqual(rule(good), [])
      assert.deepEqual(rule('{ place: valt, factors: [card, pin] }'), ['policy.verify[0].place no reader has the place "valt"']) // prettier-ignore
      assert.deepEqual(rule(`${good}, ${good}`), ['policy.verify[1].place place "vault" has a rule already'])
      const two = 'policy.verify[0].factors must be two different methods, such as [card, fingerprint]'
      for (const factors of ['[card]', '[card, card]', '[card, pin, qr]'])
        assert.deepEqual(rule(`{ place: vault, factors: ${factors} }`), [two])
    })

    it('prints the line with a caret under the place, and what to write instead', () => {
      assert.equal(
        printed(MINIMAL.replace('url:', 'urk:')),
        [
          'config.yaml:3:7  mqtt.url  is missing',
          '   3 | mqtt: { urk: mqtt://broker:1883 }',
          '     |       ^',
          'config.yaml:3:9  mqtt.urk  unknown key "urk"',
          '   3 | mqtt: { urk: mqtt://broker:1883 }',
          '     |         ^ did you mean "url"?',
        ].join('\n'),
      )
    })

    it('suggests drivers, transports and keys that are meant', () => {
      const reader = (lines: string): string => printed(`${MINIMAL}readers:\n  - { id: gate, ${lines} }\n`)
      assert.match(reader('driver: rdm6030, transport: "serial:/dev/x"'), /did you mean "rdm6300"\?/)
      assert.match(reader('driver: nothing, transport: "serial:/dev/x"'), /drivers: (?:[a-z0-9-]+, )*osdp, pcsc, /)
      assert.match(reader('driver: pcsc, transport: "tcp://h:1"'), /use pcsc:/)
      assert.match(reader('driver: rdm6300, transport: "serial:/dev/x", options: { hod: 1s }'), /did you mean "hold"\?/)
      assert.match(reader('driver: rdm6300, transport: "ble:"'), /does not speak over ble:/)
      assert.match(reader('driver: rdm6300, transport: "https://0.0.0.0:1"'), /reverse proxy/)
      assert.match(printed(MINIMAL.replace('site', 'sight')), /known keys: version, site|did you mean "site"\?/)
    })

    it('points at the place of what is missing, and says so once', () => {
      assert.deepEqual(problems('version: 1\nsite: { id: hq }\n'), ['1:1 mqtt is missing'])
      assert.deepEqual(problems('version: 1\nsite:\nmqtt: { url: mqtt://x }\n'), ['2:1 site must be a mapping'])
    })

    it('tells where broken YAML is broken', () => {
      const [first] = load('version: 1\nsite: { id: hq\nmqtt: 5\n').problems
      assert.ok(first && first.line >= 2 && first.column >= 1)
      assert.match(printed('version: 1\nversion: 1\n'), /config\.yaml:2:1 .*unique/)
      assert.match(printed('\tversion: 1\n'), /config\.yaml:1:\d+ /)
    })

    it('is no riddle when it is empty, a list, a text or not there', () => {
      for (const text of ['', '# nothing\n', '- 1\n', 'hello\n', '5\n', 'null\n']) {
        const found = load(text)
        assert.equal(found.config, undefined, text)
        assert.ok(found.problems.length > 0, text)
      }
      const [absent] = loadConfig(folder.file('absent.yaml'), { drivers, env: {} }).problems
      assert.ok(absent)
      assert.match(printProblem(absent), /absent\.yaml .*cannot be read/)
    })

    it('never throws, whatever YAML can do', () => {
      const bomb = [
        'a: &a [x, x, x]',
        ...'bcdefghij'.split('').map((name, i) => `${name}: &${name} [${`*${'abcdefghi'[i]}, `.repeat(9)}x]`),
      ]
      for (const text of [
        'a: *nowhere\n',
        'a: &x *x\n',
        'a: !odd 1\n',
        '? [1, 2]\n: 3\n',
        '1: 2\n',
        '<<: 5\n',
        '%YAML 9\n---\n',
        'a\0b',
        '\ufeffversion: 1\n',
        bomb.join('\n'),
      ]) {
        assert.equal(load(text).config, undefined)
        assert.ok(load(text).problems.length > 0, text)
      }
    })

    it('names a secret that cannot be read, and how', () => {
      const of = (written: string, env: NodeJS.ProcessEnv = {}): string =>
        printed(MINIMAL.replace('1883 }', `1883, password: ${written} }`), env)
      assert.match(
        of('{ file: /nowhere/secret }'),
        /config\.yaml:3:\d+ +mqtt\.password +secret file cannot be read: .*\/nowhere\/secret/,
      )
      assert.match(of('{ env: SECRET }'), /environment variable SECRET is not set/)
      assert.match(of('{ credential: x }'), /LoadCredential=x/)
      assert.match(of('{ fil: x }'), /must be a text, \{ file: PATH \}/)
    })
  })

  describe('overridden by the environment', () => {
    it('takes values of any type at any depth', () => {
      const text = `${MINIMAL}readers:\n  - { id: gate, driver: rdm6300, transport: 'serial:/dev/x' }\n`
      const config = valid(text, {
        PUNCHD_MQTT__URL: 'mqtts://other:8883',
        PUNCHD_MQTT__WINDOW: '7',
        PUNCHD_DATA__KEEP_SETTLED: '10d',
        PUNCHD_READERS__0__ENABLED: 'false',
        PUNCHD_READERS__0__OPTIONS__hold: '300ms',
        PUNCHD_MQTT__PASSWORD: '{ env: OTHER }',
        OTHER: 'hunter2',
        PUNCHD_CONFIG: '/etc/else',
      })
      assert.deepEqual(
        [config.mqtt.urls, config.mqtt.window, config.mqtt.password],
        [['mqtts://other:8883'], 7, 'hunter2'],
      )
      assert.equal(config.data.keepSettledMs, 864_000_000)
      assert.deepEqual([config.readers[0]?.enabled, config.readers[0]?.options], [false, { hold: 300 }])
    })

    it('is told of a variable that leads nowhere, or holds nonsense, by its name', () => {
      assert.match(
        printed(MINIMAL, { PUNCHD_MQTT__URK: 'x' }),
        /^environment PUNCHD_MQTT__URK .*"URK" is unknown\n.*did you mean "url"\?/,
      )
      assert.match(
        printed(MINIMAL, { PUNCHD_MQTT__WINDOW: 'many' }),
        /^environment PUNCHD_MQTT__WINDOW {2}mqtt\.window /,
      )
      assert.ok(!printed(MINIMAL, { PUNCHD_MQTT__PASSWORD: '[hunter2]' }).includes('hunter2'))
    })

    it('mends what the file has wrong', () => {
      assert.deepEqual(
        valid(MINIMAL.replace('mqtt://broker:1883', 'nonsense'), { PUNCHD_MQTT__URL: 'mqtt://x' }).mqtt.urls,
        ['mqtt://x'],
      )
    })
  })

  it('is shown with the origin of each value, secrets hidden', () => {
    const text = MINIMAL.replace('1883 }', '1883, password: hunter2 }')
    const values = effectiveValues(load(text, { PUNCHD_MQTT__WINDOW: '7' }))
    const of = (path: string): unknown[] | undefined => {
      const found = values.find((value) => value.path === path)
      return found && [found.value, found.origin.replace(folder.file('config.yaml'), 'config.yaml')]
    }
    assert.deepEqual(of('mqtt.url'), ['mqtt://broker:1883', 'config.yaml:3'])
    assert.deepEqual(of('mqtt.window'), [7, 'environment PUNCHD_MQTT__WINDOW'])
    assert.deepEqual(of('policy.repeatWindow'), ['5m', 'default'])
    assert.deepEqual(of('mqtt.password'), ['•••••', 'config.yaml:3'])
    assert.ok(!JSON.stringify(values).includes('hunter2'))
  })
})
