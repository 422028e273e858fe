/** The codecs that are fuzzed: a file in codecs/ and a row here for every driver of the registry. */
import type { Codec } from './codecs/codec.js'
import { hikvision } from './codecs/hikvision.js'
import { osdp } from './codecs/osdp.js'
import { pcsc } from './codecs/pcsc.js'
import { pn532 } from './codecs/pn532.js'
import { qr } from './codecs/qr.js'
import { rdm6300 } from './codecs/rdm6300.js'
import { wedge } from './codecs/wedge.js'
import { wiegand } from './codecs/wiegand.js'
import { zfm } from './codecs/zfm.js'

export const CODECS: readonly Codec[] = [hikvision, osdp, pcsc, pn532, qr, rdm6300, wedge, wiegand, zfm]
