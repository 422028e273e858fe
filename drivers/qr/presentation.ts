/** From a code in view to a sighting, or to a refusal with its reason. */
import type { ReaderSession, Verdict } from '../../src/driver.js'
import type { Config } from './config.js'
import { Hold } from './hold.js'
import { Judge, type Refusal } from './judge.js'
import { Keys } from './keys.js'
import type { Heard } from './scanner.js'
import { claimsToBeSigned, type Token } from './token.js'

export class Presentations {
  readonly #session: ReaderSession<Config, 'bytes'>
  readonly #hold: Hold
  readonly #judge: Judge

  /** Throws DeviceError when the keys of the configuration are none. */
  constructor(session: ReaderSession<Config, 'bytes'>) {
    const { config, clock } = session
    this.#session = session
    this.#hold = new Hold(config.hold)
    this.#judge = new Judge(new Keys(config), config, clock.uptime())
  }

  /** What to show for this code; undefined when it goes on being one presentation. */
  async take({ text: written, arrived }: Heard): Promise<Verdict | undefined> {
    const { config } = this.#session
    const { uptime } = arrived
    const text = written.startsWith(config.prefix) ? written.slice(config.prefix.length) : written
    if (text === '' || this.#hold.goesOn(text, uptime)) return undefined
    if (config.signed === 'off' || (config.signed === 'accept' && !claimsToBeSigned(text))) {
      if (!this.#hold.begins(text, uptime)) return undefined
      return this.#report(text, arrived)
    }
    const token = claimsToBeSigned(text) ? this.#judge.judge(text, arrived) : 'unsigned'
    if (typeof token === 'string') {
      this.#hold.begins(text, uptime)
      return this.#refuse(text, token)
    }
    // A phone that stays in view shows its next code: used up, but no new presentation.
    if (!this.#hold.begins(text, uptime, token.person)) return undefined
    const verdict = await this.#report(token.person, arrived, token)
    if (verdict === 'refused') this.#judge.forgive(token)
    return verdict
  }

  #report(value: string, arrived: Heard['arrived'], token?: Token): Promise<Verdict> {
    const raw = token && { keyId: token.keyId, issued: token.issued, expires: token.expires, tokenId: token.id }
    const credential = { type: 'qr', value, scope: 'global' } as const
    return this.#session.report({ credential, method: 'qr', arrived, ...(raw ? { raw } : {}) })
  }

  async #refuse(text: string, reason: Refusal): Promise<Verdict> {
    const code = `…${text.slice(-4)}`
    this.#session.log.info('Code refused', { event: 'code-refused', reason, code })
    await this.#session.event('code-refused', { reason, code })
    return 'refused'
  }
}
