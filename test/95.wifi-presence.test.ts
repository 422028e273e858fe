/** Who is there by the network, from what really tells it: hostapd, the kernel, a DHCP server. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { JournalReader } from '../src/journal/query.js'
import { startChild, type Child } from './support/child.js'
import { logged, startDaemon, verb, writeConfig } from './support/daemon.js'
import { Netns } from './support/netns.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const PHONE = 'da:a1:19:00:11:22'
const LAPTOP = '3c:22:fb:0a:1b:2c'
const STRANGER = '3c:22:fb:99:99:99'
const named = (mac: string): string => mac.replaceAll(':', '').toUpperCase()
const TIMES = 'settle: 500ms, grace: 3s, away: 5s'

describe('presence by the network', function () {
  this.timeout(90_000)
  const folder = tempFolder()
  const net = new Netns(`pd${process.pid % 10_000}`)
  let config: string
  let daemon: Child
  const running: Child[] = []

  const start = (where: 'gateway' | 'phone', ...command: string[]): Child => {
    const [program, ...words] = net.words(where)
    const child = startChild(program, [...words, ...command])
    running.push(child)
    return child
  }
  const told = (reader: string): string[] => {
    const journal = new JournalReader(join(folder.path, 'journal.db'), [[0, 60]])
    const records = [...journal.records({ kind: 'presence' })].map(({ json }) => JSON.parse(json) as Told)
    journal.close()
    return records
      .filter((record) => record.reader === reader)
      .map(({ change, credential }) => `${credential.value} ${change}`)
  }
  const isUp = (reader: string): Promise<boolean> =>
    verb(['readers', '--config', config]).then(({ stdout }) => new RegExp(`^${reader} .* up `, 'm').test(stdout))
  const startGateway = (): Promise<Child> => startDaemon(config, {}, net.words('gateway'))

  before(function () {
    if (process.getuid?.() !== 0) skip(this, 'network namespaces need root')
    for (const [program, of] of [
      ['/usr/sbin/hostapd', 'hostapd'],
      ['/usr/sbin/dnsmasq', 'dnsmasq-base'],
      ['/usr/bin/busybox', 'busybox and udhcpc'],
    ] as const) {
      // prettier-ignore
      if (!existsSync(program)) skip(this, `${of} is not installed`)
    }
    try {
      net.up(PHONE)
    } catch (error) {
      skip(this, `this machine makes no network namespaces: ${String(error).split('\n')[0] ?? ''}`)
    }
  })
  after(() => net.down())

  beforeEach(async () => {
    const watch = `watch: [{ type: mac, value: ${named(PHONE)}, name: ada }, { type: mac, value: ${named(LAPTOP)} }]`
    const reader = (id: string, transport: string): string[] => [`id: ${id}`, 'driver: wifi', `transport: ${transport}`, `options: { ${watch}, ${TIMES} }`] // prettier-ignore
    const leases = join(folder.path, 'leases')
    writeFileSync(leases, '')
    config = writeConfig(folder.path, {
      readers: [
        reader('radio', `wifi:lo?source=hostapd&path=${join(folder.path, 'ctl')}`),
        reader('lan', 'wifi:gate0?source=neigh'),
        reader('dhcp', `wifi:gate0?source=leases&path=${leases}`),
      ],
    })
    writeFileSync(
      join(folder.path, 'hostapd.conf'),
      `interface=lo\ndriver=none\nctrl_interface=${join(folder.path, 'ctl')}\nssid=t\nhw_mode=g\nchannel=1\n`,
    )
    daemon = await startGateway()
  })
  afterEach(async () => {
    for (const child of [daemon, ...running.splice(0)]) {
      child.process.kill('SIGTERM')
      await child.ended
    }
  })

  it('of hostapd: arrivals, departures, and a hostapd that goes away', async () => {
    const hostapd = (): Child => start('gateway', 'hostapd', join(folder.path, 'hostapd.conf'))
    const control = (...words: string[]): string =>
      net.at('gateway', 'hostapd_cli', '-p', join(folder.path, 'ctl'), '-i', 'lo', 'raw', ...words)
    assert.match(logged(daemon, 'reader-lost').map(({ hint }) => String(hint)).join('\n'), /is hostapd running/) // prettier-ignore
    let access = hostapd()
    await until(() => isUp('radio'), 20_000, 'the radio')
    for (const mac of [PHONE, LAPTOP, STRANGER]) control('NEW_STA', mac)
    await until(() => told('radio').length === 2, 10_000, 'two arrivals')
    control('DEAUTHENTICATE', LAPTOP)
    await until(() => told('radio').length === 3, 10_000, 'the departure of the laptop')
    // Killed, and nobody is told to have left by that alone.
    access.process.kill('SIGKILL')
    await access.ended
    await until(async () => !(await isUp('radio')), 20_000, 'the loss')
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    assert.equal(told('radio').length, 3, 'a gap is not an absence')
    access = hostapd()
    await until(() => isUp('radio'), 20_000, 'the radio again')
    control('NEW_STA', PHONE)
    // Longer than grace: it would have left by now.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    assert.deepEqual(told('radio'), [`${named(PHONE)} arrived`, `${named(LAPTOP)} arrived`, `${named(LAPTOP)} left`])
    access.process.kill('SIGTERM')
    const log = daemon.output.stderr
    assert.ok(!log.includes(named(PHONE)) && !log.includes('ada'))
  })

  it('of the kernel and of the DHCP server, across a restart', async () => {
    await until(async () => (await isUp('lan')) && (await isUp('dhcp')), 20_000, 'both')
    net.at('phone', 'ip', 'addr', 'add', '10.77.0.2/24', 'dev', 'phone0')
    net.at('phone', 'busybox', 'ping', '-c', '1', '10.77.0.1')
    await until(() => told('lan').length >= 1, 15_000, 'the phone on the network')
    await until(() => told('lan').length >= 2, 15_000, 'its silence')
    net.at('gateway', 'ip', 'neigh', 'flush', 'dev', 'gate0')
    net.at('phone', 'busybox', 'ping', '-c', '1', '10.77.0.1')
    await until(() => told('lan').length >= 3, 15_000, 'the phone again')
    assert.deepEqual(told('lan').slice(0, 3), ['arrived', 'left', 'arrived'].map((change) => `${named(PHONE)} ${change}`)) // prettier-ignore

    start('gateway', 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--interface=gate0', '--bind-interfaces', '--dhcp-range=10.77.0.100,10.77.0.110,2m', `--dhcp-leasefile=${join(folder.path, 'leases')}`, '--user=root', `--pid-file=${join(folder.path, 'pid')}`) // prettier-ignore
    const script = join(folder.path, 'take-address')
    writeFileSync(script, '#!/bin/sh\n[ "$1" = bound ] && ip addr add "$ip/24" dev "$interface"\nexit 0\n', {
      mode: 0o755,
    })
    const client = start('phone', 'busybox', 'udhcpc', '-f', '-i', 'phone0', '-s', script, '-t', '10', '-R')
    await until(() => told('dhcp').length === 1, 20_000, 'the lease')
    daemon.process.kill('SIGKILL')
    await daemon.ended
    daemon = await startGateway()
    await until(() => isUp('dhcp'), 20_000, 'the reader again')
    client.process.kill('SIGTERM')
    await until(() => told('dhcp').length === 2, 20_000, 'the goodbye')
    assert.deepEqual(told('dhcp'), [`${named(PHONE)} arrived`, `${named(PHONE)} left`])
  })
})

interface Told {
  readonly reader: string
  readonly change: string
  readonly credential: { readonly value: string }
}
