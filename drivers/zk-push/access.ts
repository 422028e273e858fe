/** What terminals for access control ask besides (push 3.x, `DeviceType=acc`). [ZKPUSH §7] */
import { createHash } from 'node:crypto'
import type { HttpReply, HttpRequest } from '../../src/driver.js'
import { zkSeconds } from './codec.js'

/** Ten characters that are the same after a restart; the terminal only gives them back. */
export function registryCode(serial: string): string {
  const text = createHash('sha256').update(`punchd ${serial}`).digest('base64')
  return text.replace(/[^A-Za-z0-9]/g, '').slice(0, 10)
}

/** The answer to `push`: what it shall send, and how often it shall ask. */
export function accessOptions(serial: string, delayS: number): HttpReply {
  const session = createHash('md5').update(`session ${serial}`).digest('hex').toUpperCase()
  const lines = [
    'ServerVersion=3.1.2',
    'ServerName=ADMS',
    'PushVersion=3.1.2',
    'ErrorDelay=30',
    `RequestDelay=${delayS}`,
    'TransTimes=00:00;14:05',
    'TransInterval=1',
    'TransTables=Transaction',
    'Realtime=1',
    `SessionID=${session}`,
    'TimeoutSec=30',
    '',
  ]
  return { status: 200, body: lines.join('\n') }
}

/** The time in the way these terminals count it, of Greenwich, and the zone. */
export function accessTime({ arrived }: HttpRequest, zoneMinutes: number): HttpReply {
  const utc = new Date(arrived.wall).toISOString().slice(0, 19).replace('T', ' ')
  const size = Math.abs(zoneMinutes)
  const zone = `${zoneMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
  return { status: 200, body: `DateTime=${zkSeconds(utc)},ServerTZ=${zone}` }
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
