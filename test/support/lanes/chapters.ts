/** Which files are the chapters, and what the lanes must know of some of them. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../root.js'
import type { Chapter } from './lanes.js'

const FOLDER = join(root, 'dist/test')

/** About how many seconds these take. It need not be exact, and what is not here is short: only the order comes of it. */
export const SECONDS: Readonly<Record<string, number>> = {
  '96.receipts-flow': 75,
  '92.all-readers': 75,
  '94.ble-presence': 70,
  '61.sim': 60,
  '95.wifi-presence': 50,
  '31.mqtt': 40,
  '48.ble': 40,
  '65.fuzz': 40,
  '91.pcsc-flow': 30,
  '94.terminal-flow': 25,
  '35.receipts-mqtt': 25,
  'drivers/hikvision': 25,
  '90.flow': 25,
  '32.documents': 20,
  '24.damage': 20,
  '33.receipts': 15,
  '45.pcsc': 15,
  '55.verbs': 15,
  '80.bench': 15,
  '59.people': 15,
}

/** These run when all others have ended, because… */
export const ALONE: Readonly<Record<string, string>> = {}

export function allChapters(): Chapter[] {
  const paths = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.test.js'))
  const names = paths.map((path) => path.slice(0, -'.test.js'.length)).sort()
  return names.map((name) => {
    return { name, file: join(FOLDER, `${name}.test.js`), seconds: SECONDS[name] ?? 0, alone: name in ALONE }
  })
}
