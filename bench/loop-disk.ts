/** A disk of our own on a file, whose every sector the kernel counts: what the file system adds is in there, too. Only for root. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface LoopDisk {
  /** Where it is mounted. */
  readonly path: string
  /** Bytes that were written to it so far, with all that was still held back. */
  readonly written: () => number
  readonly close: () => void
}

const SECTOR_BYTES = 512
/** Of /sys/block/…/stat: sectors written. */
const WRITTEN = 6

/** Makes and mounts one of so many megabytes; says why when it cannot. */
export function loopDisk(folder: string, megabytes: number): LoopDisk | string {
  if (process.getuid?.() !== 0) return 'only root can mount a disk of its own'
  const image = join(folder, 'disk.img')
  const path = join(folder, 'disk')
  mkdirSync(path)
  let device = ''
  const close = (): void => {
    process.off('exit', close)
    spawnSync('umount', ['--lazy', path])
    spawnSync('losetup', ['--detach', device])
  }
  try {
    run('truncate', '--size', `${megabytes}M`, image)
    // What it would otherwise write later would be taken for ours.
    run('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image)
    device = run('losetup', '--find', '--show', image)
    process.once('exit', close)
    run('mount', '-o', 'noatime', device, path)
  } catch (error) {
    if (device !== '') close()
    return error instanceof Error ? error.message : String(error)
  }
  const written = (): number => {
    run('sync', '--file-system', path)
    const stat = readFileSync(`/sys/block/${basename(device)}/stat`, 'utf8')
      .trim()
      .split(/\s+/)
    return Number(stat[WRITTEN]) * SECTOR_BYTES
  }
  return { path, written, close }
}

function run(program: string, ...args: string[]): string {
  const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (error || status !== 0) throw new Error(`${program}: ${error?.message ?? stderr.trim()}`)
  return stdout.trim()
}
