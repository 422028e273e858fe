/** QR and barcode scanners on a serial line or USB-CDC, GM65 class and plain ones; plain and signed codes. */
import type { Driver } from '../../src/driver.js'
import { fields } from './config.js'
import { Presentations } from './presentation.js'
import { Scanner } from './scanner.js'

export const driver: Driver<typeof fields, 'bytes'> = {
  name: 'qr',
  title: 'QR code scanners (GM65 class and others with a serial port)',
  transport: 'bytes',
  options: fields,

  async run(session) {
    const presentations = new Presentations(session)
    const scanner = new Scanner(session)
    try {
      const identity = await scanner.setUp()
      if (!identity) return
      session.ready(identity)
      for (let heard = await scanner.next(); heard; heard = await scanner.next()) {
        const verdict = await presentations.take(heard)
        if (verdict !== undefined) await scanner.show(verdict)
      }
    } finally {
      await scanner.close()
    }
  },
}
