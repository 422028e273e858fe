/** A certificate authority of the test's own, by the openssl program. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
const CONFIG = `[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`

/** When a certificate counts, as openssl writes it. */
export const VALID = { from: '20200101000000Z', until: '21000101000000Z' } as const
export const EXPIRED = { from: '20200101000000Z', until: '20210101000000Z' } as const
/** Or today's, to a clock that stands in 1970. */
export const NOT_YET = { from: '20990101000000Z', until: '21000101000000Z' } as const

export interface Certificate {
  readonly cert: string
  readonly key: string
}

export function hasOpenssl(): boolean {
  return spawnSync('openssl', ['version']).status === 0
}

export class Authority {
  readonly ca: string
  readonly #folder: string
  #issued = 0

  constructor(folder: string, name: string) {
    this.#folder = join(folder, name)
    this.ca = join(this.#folder, 'ca.pem')
    mkdirSync(this.#folder)
    writeFileSync(join(this.#folder, 'ca.cnf'), CONFIG)
    writeFileSync(join(this.#folder, 'index'), '')
    this.#openssl(
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '3650',
      '-subj',
      `/CN=${name}`,
    )
  }

  /** For a host, or a gateway. */
  issue(host: string, { from, until }: { readonly from: string; readonly until: string } = VALID): Certificate {
    const name = `issued-${(this.#issued += 1)}`
    const request = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`]
    this.#openssl('req', ...KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...request)
    const signer = ['-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-batch', '-notext']
    this.#openssl('ca', ...signer, '-in', `${name}.csr`, '-out', `${name}.pem`, '-startdate', from, '-enddate', until)
    return { cert: join(this.#folder, `${name}.pem`), key: join(this.#folder, `${name}.key`) }
  }

  #openssl(...args: string[]): void {
    const { status, stderr } = spawnSync('openssl', args, { cwd: this.#folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`openssl ${args[0] ?? ''}: ${stderr}`)
  }
}
