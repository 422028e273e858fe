/** Which files are the chapters, and what the lanes must know of some of them. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../root.js'
import type { Chapter } from './lanes.js'

const FOLDER = join(root, 'dist/test')

/**
 * About how many seconds these take, most of them with a processor. It need not be exact, and what is not here is
 * short: only the order comes of it.
 */
export const WORK: Readonly<Record<string, number>> = {
  '82.simulation': 90,
  '96.receipts-flow': 70,
  '65.fuzz': 40,
  '81.figures': 30,
  '94.terminal-flow': 25,
  '87.peers': 25,
  '90.flow': 25,
  '32.documents': 20,
  '24.damage': 20,
  '33.receipts': 15,
  '87.torn': 15,
  '55.verbs': 15,
  '80.bench': 15,
  '59.people': 15,
  '56.records': 13,
  '24.verify': 11,
  '24.verify-verb': 11,
  '96.time': 11,
  '97.canaries': 10,
  '44.host': 10,
}

/** The same of those that wait most of the time: for a broker, a radio, somebody who walks about. */
export const WAIT: Readonly<Record<string, number>> = {
  '92.all-readers': 60,
  '86.broker-faults': 45,
  '31.bad-brokers': 15,
  '94.ble-presence': 70,
  '61.sim': 60,
  '95.wifi-presence': 50,
  '48.ble': 40,
  '91.pcsc-flow': 30,
  'drivers/hikvision': 25,
  '31.mqtt': 20,
  '45.pcsc': 15,
  '35.receipts-mqtt': 10,
}

/** Nothing else may run beside these, and this is why. */
export const ALONE: Readonly<Record<string, string>> = {}

/** In the order of their names: numbered chapters, then folders. */
export function allChapters(): Chapter[] {
  const paths = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.test.js'))
  const names = paths.map((path) => path.slice(0, -'.test.js'.length)).sort()
  return names.map((name) => {
    const seconds = WORK[name] ?? WAIT[name] ?? 0
    return { name, file: join(FOLDER, `${name}.test.js`), seconds, quiet: name in WAIT, alone: name in ALONE }
  })
}
