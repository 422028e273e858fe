/** `punchd qr`: keys and signed codes for readers of the driver `qr`. Needs no configuration. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { durationMs } from '../config/options.js'
import { EXIT, messageOf, VerbError } from '../errors.js'
import { issueCode, whyNoPerson } from '../qr/issue.js'
import { newKeyText, readKey, type IssuerKey, type KeyKind } from '../qr/keys.js'
import { common, print, type CommonOptions, type Verb, type VerbContext } from './verb.js'

interface IssueOptions extends CommonOptions {
  readonly person: string
  readonly for: string
  readonly key: string
}
interface KeygenOptions extends CommonOptions {
  readonly ed25519?: boolean
  readonly hmac?: boolean
  readonly output: string
}

/** What a reader accepts as it comes: its options.maxLifetime. */
const USUAL_LIFETIME_MS = 300_000

export const qr: Verb = (program, context) => {
  const command = program.command('qr').description('keys and signed codes for QR readers')
  common(command.command('issue').description('print a signed code'))
    .requiredOption('--person <ref>', 'whom it stands for: becomes the credential')
    .option('--for <duration>', 'how long it is valid', '30s')
    .requiredOption('--key <file>', 'key file of "qr keygen"')
    .action((options: IssueOptions) => issue(options, context))
  common(command.command('keygen').description('make a key file and print what the reader needs'))
    .option('--ed25519', 'a key pair: readers cannot forge codes')
    .option('--hmac', 'a shared secret: shorter codes, but readers can forge them')
    .requiredOption('-o, --output <file>', 'the key file; must not exist')
    .action((options: KeygenOptions) => keygen(options, context))
}

function issue(options: IssueOptions, context: VerbContext): void {
  const why = whyNoPerson(options.person)
  if (why !== undefined) throw usage(`--person cannot be in a code: ${why}`, 'use the reference of the people list')
  const lifeMs = durationMs(options.for) ?? 0
  if (lifeMs < 1_000) throw usage(`--for "${options.for}" is no time of a second or more`, 'write 30s, 5m, 2h or 7d')
  const key = keyIn(options.key)
  const issued = Math.floor(Date.now() / 1_000)
  const expires = issued + Math.floor(lifeMs / 1_000)
  if (expires > 0xffff_ffff) throw usage(`--for "${options.for}" is too long`, 'codes end before the year 2106')
  const id = randomBytes(8)
  const code = issueCode({ key, person: options.person, issued, expires, id })
  const facts = { code, keyId: key.id.toString('hex'), tokenId: id.toString('hex'), issued, expires }
  print(context.out, options.json ? JSON.stringify(facts) : code)
  if (lifeMs > USUAL_LIFETIME_MS) print(context.err, 'Readers refuse it unless their options.maxLifetime is as long.')
  if (context.out.isTTY && !options.json) {
    print(context.err, 'To show it as a picture, pipe it: punchd qr issue … | qrencode -t ANSIUTF8 (package qrencode)')
  }
}

function keygen(options: KeygenOptions, context: VerbContext): void {
  if (options.ed25519 === options.hmac) throw usage('which kind of key?', 'write --ed25519 or --hmac')
  const kind: KeyKind = options.hmac ? 'hmac' : 'ed25519'
  const text = newKeyText(kind)
  writeKey(options.output, text)
  const key = readKey(text)
  if (!key) throw new Error('a new key cannot be read')
  const option = optionFor(key, options.output)
  const facts = { file: options.output, kind, keyId: key.id.toString('hex'), ...option }
  if (options.json) return print(context.out, JSON.stringify(facts))
  print(context.out, `# key ${facts.keyId}, kept in ${options.output}: whoever has this file can issue codes`)
  print(context.out, 'options:\n  signed: require')
  print(
    context.out,
    `  ${'publicKeys' in option ? `publicKeys: ${option.publicKeys}` : hmacLine(option.hmacSecret.file)}`,
  )
}

function optionFor({ publicKey }: IssuerKey, file: string) {
  return publicKey === undefined ? { hmacSecret: { file: resolve(file) } } : { publicKeys: publicKey }
}

function hmacLine(file: string): string {
  return `hmacSecret: { file: ${JSON.stringify(file)} }`
}

function keyIn(file: string): IssuerKey {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const hint = 'punchd qr keygen makes one'
    throw new VerbError(EXIT.data, 'input-invalid', `cannot read the key ${file}: ${messageOf(error)}`, { hint })
  }
  const key = readKey(text)
  if (key) return key
  const hint = 'it must be an Ed25519 private key (PEM) or base64 of 16 bytes or more: punchd qr keygen makes both'
  throw new VerbError(EXIT.data, 'input-invalid', `${file} holds no key`, { hint })
}

/** Never over another key: codes of that one would be worth nothing from then on. */
function writeKey(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    const hint = exists ? 'a key is never overwritten: choose another name' : 'choose a folder that you can write to'
    throw new VerbError(EXIT.cannotCreate, 'output-failed', `cannot write ${file}: ${messageOf(error)}`, { hint })
  }
}

function usage(message: string, hint: string): VerbError {
  return new VerbError(EXIT.usage, 'usage', message, { hint })
}
