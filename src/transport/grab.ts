/**
 * Keeps an input device from the rest of the machine: as long as it is grabbed, the kernel gives its events to nobody
 * else, the console's keyboard driver included. That takes one ioctl, which Node does not have. A grab belongs to the
 * open file, not to the process that asked for it: so perl, which every Debian has, asks on the descriptor it inherits
 * and ends, and the grab lasts until we close the file.
 */
import { spawn } from 'node:child_process'

/** EVIOCGRAB of linux/input.h, `_IOW('E', 0x90, int)`; 1 grabs. */
const PROGRAM = 'ioctl(STDIN, 0x40044590, 1) or do { my $exit = $!{EBUSY} ? 2 : 1; print STDERR "$!"; exit $exit }'
const PATIENCE_MS = 5_000

/** Why there is no grab. `busy`: another program has one, and nothing that is typed reaches us. */
export type NoGrab = { readonly code: 'busy' | 'failed'; readonly reason: string }

/** Grabs the device behind the descriptor. Resolves to undefined when it is ours alone; never rejects. */
export function grab(fd: number, perl = 'perl'): Promise<NoGrab | undefined> {
  return new Promise((resolve) => {
    let reason = ''
    const child = spawn(perl, ['-MErrno', '-e', PROGRAM], { stdio: [fd, 'ignore', 'pipe'] })
    // The `timeout` of spawn goes on where there is no perl, and holds up the end of the process.
    const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    child.stderr?.on('data', (text: Buffer) => (reason += text.toString().slice(0, 200)))
    child.on('error', ({ message }) => {
      clearTimeout(patience)
      resolve({ code: 'failed', reason: message })
    })
    child.on('close', (code) => {
      clearTimeout(patience)
      if (code === 0) return resolve(undefined)
      resolve({ code: code === 2 ? 'busy' : 'failed', reason: reason || 'no answer' })
    })
  })
}
