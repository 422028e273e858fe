/** The bad lines between the daemon and a real mosquitto, and what mosquitto itself may suffer. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded, type Random } from '../../simulators/random.js'
import mqtt from 'mqtt'
import { mqttConfig, TOPICS, WINDOW } from '../fixture.js'
import { cutting, delaying, endingAtRecords, losingAcks, shaping, swallowing, trickling } from './line-faults.js'
import { eventually, SPEED, type Stage, type Trial } from './line-run.js'

/** Where records leave, pauses grow to five seconds: the first minute has four short ones. */
const SHORT_LIVED_A_MINUTE = 20
/** After a refusal they do not: half a second less a quarter. */
const REFUSED_A_MINUTE = 165
const { clientId: CLIENT_ID } = mqttConfig(0)
/** With long trips the window grows. */
const LARGEST_WINDOW = 1_000
/** 9.6 kbit/s and two seconds of round trip, by the daemon's clock. */
const MODEM_BYTES_A_SECOND = (9_600 / 8) * SPEED
const MODEM_ONE_WAY_MS = 1_000 / SPEED

/** People come as long as the faults last. */
const RUSH_MS = 4_000
const READERS = 4
function pauseOf(load: number): number {
  return Math.round((RUSH_MS * SPEED * READERS) / load)
}

/** `load`: cards of each. */
export function lineTrials(load: number, seed: number): Trial[] {
  const random = seeded(seed)
  const usual = { cards: load, pauseMs: pauseOf(load), againACut: WINDOW }
  const often = { ...usual, connectsAMinute: SHORT_LIVED_A_MINUTE }
  const cut =
    (how: 'fin' | 'reset'): NonNullable<Trial['during']> =>
    (stage) =>
      cuts(stage, cutting(how, random), random)
  return [
    { ...often, name: 'drop', about: 'each connection is closed after a moment', during: cut('fin') },
    { ...often, name: 'reset', about: 'each connection is reset after a moment', during: cut('reset') },
    { ...usual, name: 'delay', about: 'up to 60 ms each way', fault: delaying(random, 60), againACut: LARGEST_WINDOW },
    {
      ...usual,
      name: 'half-open',
      about: 'all is swallowed, nothing ends',
      fault: swallowing('both', 150),
      during: dead,
    },
    { ...usual, name: 'no way up', about: 'what the daemon sends is lost', fault: swallowing('up', 150), during: dead },
    { ...usual, name: 'no way down', about: 'no answer arrives', fault: swallowing('down', 150), during: dead },
    { ...usual, name: 'trickle', about: 'a few bytes at a time', fault: trickling(random) },
    { ...usual, name: 'lost PUBACKs', about: 'one in 50', fault: losingAcks(random, 50), during: dead },
    {
      ...often,
      name: 'one record',
      about: 'closed with the first PUBACK of each',
      fault: endingAtRecords(0),
      during: dead,
    },
    { ...often, name: 'no PUBACK', about: 'five times closed before it', fault: endingAtRecords(5), during: dead },
    {
      ...usual,
      name: 'taken over',
      about: 'by a clone with our client id that comes back at once',
      connectsAMinute: SHORT_LIVED_A_MINUTE,
      during: clone,
    },
    {
      ...usual,
      name: 'modem',
      about: '9.6 kbit/s, 2 s round trip',
      cards: Math.min(load, 150),
      fault: shaping(MODEM_BYTES_A_SECOND, MODEM_ONE_WAY_MS),
      forGood: true,
      againACut: LARGEST_WINDOW,
    },
  ]
}

/** What a dead peer looks like for a while; then the line is good again. */
async function dead({ proxy }: Stage): Promise<void> {
  await sleep(5_000)
  proxy.mend()
}

/** Somebody else with our client id, who comes back at once whenever we threw him out. */
async function clone({ broker }: Stage): Promise<void> {
  const { hostname: host, port } = new URL(broker.url)
  const options = { host, port: Number(port), protocolVersion: 5, clientId: CLIENT_ID, reconnectPeriod: 50 } as const
  const other = mqtt.connect({ ...options, protocol: 'mqtt' })
  other.on('error', () => undefined)
  // Until the daemon was thrown out several times.
  await sleep(9_000)
  await other.endAsync(true)
}

/** Cuts until cards and patience are at an end; the daemon is given time to come back. */
async function cuts({ proxy }: Stage, fault: NonNullable<Trial['fault']>, random: Random): Promise<void> {
  proxy.fault = fault
  await sleep(4_000 + random() * 500)
}

/** What is lost after its acknowledgement is healed by receipts, whatever the line does meanwhile. */
export function receiptTrials(load: number, heavy: number, seed: number, folderOf: (name: string) => string): Trial[] {
  const random = seeded(seed + 1)
  const common = { settle: 'receipt', disorder: false, pauseMs: pauseOf(load), cards: load } as const
  const kept = (name: string): string[] => [...PERSISTENT(folderOf(name)), 'autosave_interval 0']
  const cutAndWipe: Trial['during'] = async (stage) => {
    stage.proxy.fault = cutting('reset', random)
    await again('wipe')(stage)
  }
  return [
    {
      ...common,
      name: 'r drop',
      about: 'closed after a moment; settle: receipt',
      during: (stage) => cuts(stage, cutting('fin', random), random),
      connectsAMinute: SHORT_LIVED_A_MINUTE,
    },
    {
      ...common,
      name: 'r no way down',
      about: 'no answer arrives; settle: receipt',
      fault: swallowing('down', 150),
      during: dead,
    },
    {
      ...common,
      name: 'r lost PUBACKs',
      about: 'one in 50; settle: receipt',
      fault: losingAcks(random, 50),
      during: dead,
    },
    {
      ...common,
      name: 'healed',
      about: 'reset after a moment, wiped three times while the consumer is behind; settle: receipt',
      cards: heavy,
      pauseMs: pauseOf(heavy),
      lines: kept('healed'),
      during: cutAndWipe,
      connectsAMinute: SHORT_LIVED_A_MINUTE,
    },
  ]
}

const PERSISTENT = (folder: string): string[] => ['persistence true', `persistence_location ${folder}/`]
const TIMES = 3

export function brokerTrials(load: number, folderOf: (name: string) => string): Trial[] {
  const common = { cards: load, pauseMs: pauseOf(load), againACut: WINDOW, connectsAMinute: SHORT_LIVED_A_MINUTE }
  const keeping = (name: string): string[] => [...PERSISTENT(folderOf(name)), 'autosave_interval 0']
  return [
    { ...common, name: 'restarted', about: 'SIGTERM, three times', lines: keeping('restarted'), during: again('stop') },
    {
      ...common,
      name: 'killed',
      about: 'SIGKILL, three times; settle: receipt',
      lines: keeping('killed'),
      settle: 'receipt',
      disorder: false,
      during: again('kill'),
      againACut: Infinity,
    },
    {
      ...common,
      name: 'wiped',
      about: 'SIGKILL and its file deleted, three times; settle: receipt',
      lines: keeping('wiped'),
      settle: 'receipt',
      disorder: false,
      during: again('wipe'),
      againACut: Infinity,
    },
    {
      ...common,
      name: 'refused',
      about: 'one topic by the access list: parked, mended, delivered',
      lines: [...keeping('refused'), `acl_file ${join(folderOf('refused'), 'acl')}`],
      files: { acl: ACL_STRICT },
      disorder: false,
      connectsAMinute: REFUSED_A_MINUTE,
      during: refuse,
    },
  ]
}

/** The control: what the broker took and had not delivered dies with it. */
export function controlTrial(load: number, folderOf: (name: string) => string): Trial {
  const lines = [...PERSISTENT(folderOf('control')), 'autosave_interval 0']
  return {
    name: 'control',
    about: 'wiped while the consumer is away, settle: puback',
    cards: load,
    pauseMs: 1,
    lines,
    away: true,
    during: async (stage) => {
      while (stage.shown() < load) await sleep(20)
      await sleep(1_000)
      await wipe(stage)
    },
  }
}

function again(what: 'stop' | 'kill' | 'wipe'): NonNullable<Trial['during']> {
  return async (stage) => {
    for (let time = 0; time < TIMES; time++) {
      await sleep(1_000)
      if (what === 'wipe') await wipeWhatWaits(stage)
      else {
        await stage.broker[what]()
        await sleep(300)
        await stage.broker.up()
      }
    }
  }
}

/** What came while the consumer was away is lost with the broker. */
async function wipeWhatWaits(stage: Stage): Promise<void> {
  await stage.consumer.leave()
  await sleep(300)
  await wipe(stage)
  stage.consumer.back()
}

async function wipe({ broker, folder }: Stage): Promise<void> {
  await broker.kill()
  rmSync(join(folder, 'mosquitto.db'), { force: true })
  await broker.up()
}

const READER_REFUSED = 'gate-3'
const SHARE_OF_OTHERS = 3 / 4

/** The others must have arrived before the list is mended; what was parked is offered again on a new connection. */
async function refuse({ broker, proxy, folder, consumer, shown }: Stage): Promise<void> {
  const presented = (): boolean => consumer.received >= shown() * SHARE_OF_OTHERS && shown() > 0
  await sleep(2_000)
  if (!(await eventually(presented, 20_000))) throw new Error('a refused topic holds up the others')
  writeFileSync(join(folder, 'acl'), ACL_OPEN)
  // Not started anew: mosquitto 2.0.11 with an access list forgets what it kept for others when it ends.
  broker.reload()
  await sleep(500)
  proxy.cutAll()
}
const ACL_OPEN = 'topic readwrite punchd/#\n'
export const ACL_STRICT = `${ACL_OPEN}topic deny ${TOPICS.record('punch', READER_REFUSED)}\n`
