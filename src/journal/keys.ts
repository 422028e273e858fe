/**
 * The keys of a journal: in `data.path/keys`, mode 0600, made at the first start, or as systemd credentials
 * (`punchd-vault`, `punchd-signing`). Never in the database, never printed.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { JournalError, messageOf } from '../errors.js'
import { keysText, newKeys, parseKeys, type VaultKeys } from './vault.js'

export interface JournalKeys {
  readonly vault: VaultKeys
  /** Ed25519. */
  readonly signing: KeyObject
}

const FOLDER = 'keys'
const FILES = { vault: 'vault.keys', signing: 'signing.pem' } as const
const CREDENTIALS = { vault: 'punchd-vault', signing: 'punchd-signing' } as const

/** `data.path/keys/vault.keys` and the like. */
export function keyFile(dataPath: string, kind: keyof typeof FILES): string {
  return join(dataPath, FOLDER, FILES[kind])
}

/** Reads the keys; makes them when `fresh`, that is when there is no journal they could belong to. Throws JournalError. */
export function openKeys(dataPath: string, fresh: boolean, env: NodeJS.ProcessEnv = process.env): JournalKeys {
  const vaultText = textOf('vault', dataPath, fresh, env, () => keysText(newKeys()))
  const vault = parseKeys(vaultText)
  if (!vault) throw wrong(keyFile(dataPath, 'vault'), 'holds no keys of a journal')
  const signingText = textOf('signing', dataPath, fresh, env, newSigningKey)
  try {
    const signing = createPrivateKey(signingText)
    if (signing.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key')
    return { vault, signing }
  } catch (cause) {
    throw wrong(keyFile(dataPath, 'signing'), `holds no signing key (${messageOf(cause)})`)
  }
}

/** The text of a key, from its file or from systemd. Throws JournalError. */
export function keyText(dataPath: string, kind: keyof typeof FILES, env: NodeJS.ProcessEnv = process.env): string {
  return textOf(kind, dataPath, false, env, () => '')
}

export const KEY_KINDS = ['vault', 'signing'] as const

/** The keys in a folder, whatever systemd has: those of a backup. Throws JournalError. */
export function keysIn(dataPath: string): JournalKeys {
  return openKeys(dataPath, false, {})
}

/** Makes the keys of a journal that is to be made, as far as they are not there. Throws JournalError. */
export function makeKeys(journalFile: string): void {
  const folder = dirname(journalFile)
  // Not by writing the keys: the folder is not as secret as they are.
  mkdirSync(folder, { recursive: true, mode: 0o750 })
  openKeys(folder, true)
}

/** The keys beside this journal; closes the database when there are none. */
export function keysFor(journalFile: string, db: { close(): unknown }): JournalKeys {
  try {
    return openKeys(dirname(journalFile), false)
  } catch (error) {
    db.close()
    throw error
  }
}

/** The 32 bytes that others check signatures with. */
export function publicKeyOf(signing: KeyObject): Buffer {
  // The raw key is the end of its DER form.
  return createPublicKey(signing).export({ type: 'spki', format: 'der' }).subarray(-32)
}

function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function textOf(
  kind: keyof typeof FILES,
  dataPath: string,
  fresh: boolean,
  env: NodeJS.ProcessEnv,
  make: () => string,
): string {
  const credential = env['CREDENTIALS_DIRECTORY'] && join(env['CREDENTIALS_DIRECTORY'], CREDENTIALS[kind])
  if (credential && existsSync(credential)) return readFileSync(credential, 'utf8')
  const file = keyFile(dataPath, kind)
  try {
    if (existsSync(file)) return readOwn(file)
    if (!fresh) throw wrong(file, 'is missing')
    const text = make()
    writeKey(file, text)
    return text
  } catch (cause) {
    // What cannot be made is the disk's fault, and told as such.
    if (cause instanceof JournalError || fresh) throw cause
    throw wrong(file, `cannot be used: ${messageOf(cause)}`)
  }
}

function readOwn(file: string): string {
  if ((statSync(file).mode & 0o077) !== 0) throw wrong(file, 'can be read by others', `chmod 600 ${file}`)
  return readFileSync(file, 'utf8')
}

/** Whole or not at all, also through a power cut: half a key would lock everything up. */
export function writeKey(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const half = `${file}.new`
  const fd = openSync(half, 'w', 0o600)
  try {
    // point: file.opened
    writeSync(fd, text)
    // point: file.written
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  // point: file.synced
  renameSync(half, file)
  // point: file.renamed
  const folder = openSync(dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

function wrong(file: string, what: string, hint?: string): JournalError {
  return new JournalError('journal-key', `${file} ${what}`, {
    hint: hint ?? 'put the keys that belong to this journal back, from your backup; without them it cannot be read',
  })
}
