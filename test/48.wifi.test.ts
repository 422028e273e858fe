/** What the sources of the wifi transport make of texts, and what they say when they are not there. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import fc from 'fast-check'
import { SystemClock } from '../src/clock.js'
import type { StationNews } from '../src/driver.js'
import { TransportError } from '../src/errors.js'
import { parseTransportUrl, type TransportUrl } from '../src/transport/url.js'
import { openWifi } from '../src/transport/wifi.js'
import { stationsIn } from '../src/transport/wifi/hostapd.js'
import { leasesIn } from '../src/transport/wifi/leases.js'
import { addressOf } from '../src/transport/wifi/news.js'
import { networksIn } from '../src/transport/wifi/scan.js'
import { RecordingLogger } from './support/session.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const FIXED = '3C22FB0A1B2C'
const PHONE = 'DAA119001122'

describe('the texts of the wifi sources', () => {
  it('of hostapd: stations that may talk, with their strength', () => {
    const text = [
      '3c:22:fb:0a:1b:2c',
      'flags=[AUTH][ASSOC][AUTHORIZED]',
      'signal=-51',
      'da:a1:19:00:11:22',
      'flags=[AUTHORIZED]',
      'aid=0',
      '3c:22:fb:00:00:01',
      'flags=[AUTH][ASSOC]',
      'signal=-40',
      '',
    ].join('\n')
    assert.deepEqual(stationsIn(text), [
      { kind: 'joined', address: FIXED, rssiDbm: -51 },
      { kind: 'joined', address: PHONE },
      { kind: 'listed', addresses: [FIXED, PHONE] },
    ])
    assert.deepEqual(stationsIn(''), [{ kind: 'listed', addresses: [] }])
  })

  it('of dnsmasq: leases of the local network, whatever else stands there', () => {
    const text = [
      '1767618000 da:a1:19:00:11:22 192.168.1.50 pixel-7 01:da:a1:19:00:11:22',
      '0 06-3c:22:fb:0a:1b:2c 192.168.1.51 * *',
      'duid 00:01:00:01:2c:aa:bb:cc',
      '1767618000 12345678 fd00::50 pixel-7 00:01:00',
      'rubbish',
    ].join('\n')
    assert.deepEqual(leasesIn(text), [
      { address: PHONE, until: 1_767_618_000 },
      { address: FIXED, until: 0 },
    ])
  })

  it('of Kea: the newest line of each address, when it is in use', () => {
    const text = [
      'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id',
      '192.168.1.50,da:a1:19:00:11:22,,3600,1767618000,1,0,0,pixel,0,,0',
      '192.168.1.51,3c:22:fb:0a:1b:2c,,3600,1767618000,1,0,0,,0,,0',
      '192.168.1.51,3c:22:fb:0a:1b:2c,,0,1767618000,1,0,0,,0,,0',
      '192.168.1.50,da:a1:19:00:11:22,,3600,1767621600,1,0,0,pixel,0,,0',
      '192.168.1.52,3c:22:fb:00:00:01,,3600,1767618000,1,0,0,,2,,0',
    ].join('\n')
    assert.deepEqual(leasesIn(text), [{ address: PHONE, until: 1_767_621_600 }])
  })

  it('of node-wifi: networks with an address and a strength', () => {
    const found = [
      { ssid: 'Office', bssid: '3C:22:FB:0A:1B:2C', signal_level: -64.5 },
      { ssid: 'Broken', bssid: 'Infra', signal_level: -50 },
      { ssid: 'Odd', bssid: '3C:22:FB:0A:1B:2D', signal_level: 'strong' },
      null,
    ]
    assert.deepEqual(networksIn(found), [{ address: FIXED, rssiDbm: -64 }])
    assert.deepEqual(networksIn('nothing'), [])
  })

  it('make nothing throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        for (const { address } of leasesIn(text)) assert.match(address, /^[0-9A-F]{12}$/)
        assert.equal(stationsIn(text).at(-1)?.kind, 'listed')
      }),
    )
    assert.deepEqual(
      ['da:a1:19:00:11:22', 'DA-A1-19-00-11-22', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00', 'da:a1', undefined].map(addressOf), // prettier-ignore
      [PHONE, PHONE, undefined, undefined, undefined, undefined],
    )
  })
})

describe('the wifi transport', function () {
  this.timeout(20_000)
  const folder = tempFolder()
  const path = process.env['PATH']
  let stop: AbortController
  let closing: (() => Promise<void>) | undefined
  beforeEach(() => (stop = new AbortController()))
  afterEach(async () => {
    stop.abort()
    await closing?.()
    closing = undefined
    process.env['PATH'] = path
  })

  async function open(url: string): Promise<StationNews[]> {
    const parsed = parseTransportUrl(url)
    assert.ok(!('problem' in parsed), url)
    const context = { clock: new SystemClock(), signal: stop.signal, log: new RecordingLogger() }
    const opened = await openWifi(parsed as Extract<TransportUrl, { scheme: 'wifi' }>, context)
    closing = () => opened.close()
    const news: StationNews[] = []
    void (async () => {
      for await (const piece of opened.transport) news.push(piece)
    })().catch(() => news.push({ kind: 'listed', addresses: ['LOST'], arrived: context.clock.now() }))
    return news
  }
  const refusal = async (url: string): Promise<TransportError> => {
    const error: unknown = await open(url).then(() => undefined, (cause: unknown) => cause) // prettier-ignore
    assert.ok(error instanceof TransportError, String(error))
    return error
  }

  it('says what a source lacks, and what to do', async () => {
    assert.match((await refusal('wifi:wlan0?source=hostapd&path=/nowhere')).hint ?? '', /ctrl_interface/)
    assert.match((await refusal('wifi:nosuchif0?source=neigh')).message, /no interface nosuchif0/)
    assert.match((await refusal('wifi:wlan0?source=leases&path=/nowhere/leases')).hint ?? '', /path=/)
    process.env['PATH'] = folder.path
    assert.match((await refusal('wifi:lo?source=neigh')).hint ?? '', /iproute2/)
    assert.match((await refusal('wifi:wlan0?source=scan')).hint ?? '', /network-manager/)
  })

  it('reads URLs, and says what is wrong with one', () => {
    for (const [url, problem] of [
      ['wifi:wlan0', /source=scan, hostapd, neigh, leases/],
      ['wifi:?source=neigh', /name of an interface/],
      ['wifi:wlan0?source=neigh&bssid=1', /no parameter "bssid"/],
      ['wifi:wlan0?source=leases&path=leases', /absolute/],
    ] as const) {
      const parsed = parseTransportUrl(url)
      assert.ok('problem' in parsed && problem.test(parsed.problem), url)
    }
  })

  it('tells of leases as they come, are renewed, end, and are rewritten', async () => {
    const file = join(folder.path, 'leases')
    const soon = Math.ceil(Date.now() / 1_000) + 3
    const line = (until: number, mac: string): string => `${until} ${mac} 192.168.1.50 * *\n`
    writeFileSync(file, line(soon, 'da:a1:19:00:11:22'))
    const news = await open(`wifi:wlan0?source=leases&path=${file}`)
    const listed = (): string => JSON.stringify(news.filter(({ kind }) => kind === 'listed').map((one) => 'addresses' in one && one.addresses)) // prettier-ignore
    await until(() => news.some(({ kind }) => kind === 'joined'), 5_000, 'the first lease')
    writeFileSync(file, line(soon, 'da:a1:19:00:11:22') + line(0, '3c:22:fb:0a:1b:2c'))
    await until(() => listed().endsWith(`["${PHONE}","${FIXED}"]]`), 5_000, 'the second lease')
    await until(() => listed().endsWith(`["${FIXED}"]]`), 10_000, 'the end of the first')
    rmSync(file)
    await until(() => listed().endsWith('["LOST"]]'), 5_000, 'the loss')
  })

  it('asks node-wifi for the networks around, in a process of its own', async () => {
    mkdirSync(folder.path, { recursive: true })
    const nmcli = join(folder.path, 'nmcli')
    // What NetworkManager 1.42 prints: no radio can be had here.
    writeFileSync(nmcli, `#!/bin/sh\necho 'yes:Office:3C\\:22\\:FB\\:0A\\:1B\\:2C:Infra:6:2437 MHz:72:WPA2:(none):pair_ccmp group_ccmp psk'\n`) // prettier-ignore
    chmodSync(nmcli, 0o755)
    process.env['PATH'] = `${folder.path}${delimiter}${path ?? ''}`
    const language = process.env['LC_ALL']
    const news = await open('wifi:wlan0?source=scan')
    await until(() => news.length > 0, 10_000, 'a network')
    const [first] = news
    assert.ok(first?.kind === 'heard')
    assert.deepEqual([first.address, first.rssiDbm], [FIXED, -64])
    assert.equal(process.env['LC_ALL'], language)
  })
})
