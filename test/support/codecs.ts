/** The codecs that are fuzzed: a file in codecs/ and a row here for every driver of the registry. */
import type { Codec } from './codecs/codec.js'
import { ble } from './codecs/ble.js'
import { hikvision } from './codecs/hikvision.js'
import { osdp } from './codecs/osdp.js'
import { pcsc } from './codecs/pcsc.js'
import { pn532 } from './codecs/pn532.js'
import { qr } from './codecs/qr.js'
import { rdm6300 } from './codecs/rdm6300.js'
import { wedge } from './codecs/wedge.js'
import { wiegand } from './codecs/wiegand.js'
import { wifi } from './codecs/wifi.js'
import { zfm } from './codecs/zfm.js'
import { zk4370 } from './codecs/zk-4370.js'
import { zkPush } from './codecs/zk-push.js'

export const CODECS: readonly Codec[] = [
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
