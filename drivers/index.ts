/** The registry: every driver of this package. The daemon knows none by name. */
import type { AnyDriver } from '../src/driver.js'
import { driver as pcsc } from './pcsc/index.js'
import { driver as qr } from './qr/index.js'
import { driver as rdm6300 } from './rdm6300/index.js'

export const drivers: readonly AnyDriver[] = [pcsc, qr, rdm6300]
