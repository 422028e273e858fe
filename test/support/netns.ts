/** Two machines joined by a cable, in network namespaces of this one. Needs root. */
import { execFileSync } from 'node:child_process'

export class Netns {
  readonly gateway: string
  readonly phone: string

  constructor(name: string) {
    this.gateway = `${name}g`
    this.phone = `${name}p`
  }

  /** `gate0` at the gateway (10.77.0.1), `phone0` at the phone, with this address. Throws when it cannot be had. */
  up(mac: string): void {
    this.down()
    for (const name of [this.gateway, this.phone]) run('ip', 'netns', 'add', name)
    run(
      'ip',
      'link',
      'add',
      'gate0',
      'netns',
      this.gateway,
      'type',
      'veth',
      'peer',
      'name',
      'phone0',
      'netns',
      this.phone,
    )
    this.at('gateway', 'ip', 'addr', 'add', '10.77.0.1/24', 'dev', 'gate0')
    this.at('gateway', 'ip', 'link', 'set', 'gate0', 'up')
    this.at('gateway', 'ip', 'link', 'set', 'lo', 'up')
    this.at('phone', 'ip', 'link', 'set', 'phone0', 'address', mac, 'up')
  }

  /** Runs a program there to its end; returns what it printed. */
  at(where: 'gateway' | 'phone', ...command: readonly string[]): string {
    return run('ip', 'netns', 'exec', this[where], ...command)
  }

  /** The words before a command that is to run there. */
  words(where: 'gateway' | 'phone'): readonly [string, ...string[]] {
    return ['ip', 'netns', 'exec', this[where]]
  }

  down(): void {
    for (const name of [this.gateway, this.phone]) {
      try {
        run('ip', 'netns', 'del', name)
      } catch {
        // There was none.
      }
    }
  }
}

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 })
}
