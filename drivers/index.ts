/** The registry: every driver of this package. The daemon knows none by name. */
import type { AnyDriver } from '../src/driver.js'
import { driver as ble } from './ble/index.js'
import { driver as hikvision } from './hikvision/index.js'
import { driver as osdp } from './osdp/index.js'
import { driver as pcsc } from './pcsc/index.js'
import { driver as pn532 } from './pn532/index.js'
import { driver as qr } from './qr/index.js'
import { driver as rdm6300 } from './rdm6300/index.js'
import { driver as wedge } from './wedge/index.js'
import { driver as wiegand } from './wiegand/index.js'
import { driver as wifi } from './wifi/index.js'
import { driver as zfm } from './zfm/index.js'
import { driver as zk4370 } from './zk-4370/index.js'
import { driver as zkPush } from './zk-push/index.js'

export const drivers: readonly AnyDriver[] = [
  ble,
  hikvision,
  osdp,
  pcsc,
  pn532,
  qr,
  rdm6300,
  wedge,
  wiegand,
  wifi,
  zfm,
  zk4370,
  zkPush,
]
