/** Every verb but the daemon itself, in the order in which help lists them. */
import { backlog } from './backlog.js'
import { backup, restore } from './backup.js'
import { check } from './check.js'
import { config } from './config.js'
import { enroll } from './enroll.js'
import { exportRecords } from './export.js'
import { keys } from './keys.js'
import { people } from './people.js'
import { punches } from './punches.js'
import { qr } from './qr.js'
import { readers } from './readers.js'
import { tail } from './tail.js'
import type { Verb } from './verb.js'
import { verify } from './verify.js'
import { version } from './version.js'

export const VERBS: readonly Verb[] = [
  check,
  readers,
  enroll,
  tail,
  punches,
  backlog,
  exportRecords,
  backup,
  restore,
  keys,
  people,
  verify,
  config,
  qr,
  version,
]
