/** What the machine says about its serial ports: which there are, and who holds one. */
import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'

const BY_ID = '/dev/serial/by-id'

/** Stable names of the USB serial ports plugged in now. */
export async function stableNames(folder = BY_ID): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.sort().map((name) => join(folder, name))
}

export interface Holder {
  readonly pid: number
  readonly command: string
}

/**
 * The processes that locked `path`, or else those that have it open as far as this user may look: root sees all,
 * others their own.
 */
export async function holdersOf(path: string): Promise<Holder[]> {
  const lockers = await lockersOf(path)
  const pids = lockers.length > 0 ? lockers : await openersOf(path)
  return Promise.all(pids.map(async (pid) => ({ pid, command: await commandOf(pid) })))
}

/** From lines like `1: FLOCK  ADVISORY  WRITE 4711 00:18:5 0 EOF`: device and inode name the file. */
async function lockersOf(path: string): Promise<number[]> {
  const locks = await readFile('/proc/locks', 'utf8').catch(() => '')
  const { dev, ino } = await stat(path)
  // The kernel's number for major and minor, as stat packs it.
  const major = (dev >> 8) & 0xfff
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00)
  const file = `${hexPair(major)}:${hexPair(minor)}:${ino}`
  return locks
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1] === 'FLOCK' && fields[5] === file)
    .map((fields) => Number(fields[4]))
    .filter((pid) => pid > 0)
}

function hexPair(number: number): string {
  return number.toString(16).padStart(2, '0')
}

async function openersOf(path: string): Promise<number[]> {
  const device = await realpath(path)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const opens = await Promise.all(pids.map(async (pid) => (await openFiles(pid)).includes(device)))
  return pids.filter((_, index) => opens[index]).map(Number)
}

async function openFiles(pid: string): Promise<string[]> {
  const folder = `/proc/${pid}/fd`
  const descriptors = await readdir(folder).catch(() => []) // Another user's process, or one that has just ended.
  return Promise.all(descriptors.map((descriptor) => readlink(join(folder, descriptor)).catch(() => '')))
}

async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?')).trim()
}
