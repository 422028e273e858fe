/** Talking to the person at the terminal, and running programs while they wait. All of it on stderr. */
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

/** A reason to stop that the person can act on; anything else thrown is a bug and shows its stack. */
export class PrepareError extends Error {}

export function say(text) {
  process.stderr.write(`${text}\n`)
}

let logFolder
/** One folder per run with an unguessable name: a fixed name in a shared /tmp could be someone else's link. */
function logFile(name) {
  logFolder ??= mkdtempSync(join(tmpdir(), 'punchd-prepare-'))
  return join(logFolder, `${name.replaceAll(' ', '-')}.log`)
}

/**
 * Runs a program with its output in a log file; resolves to `{ ok, log, end }` whatever happens, where `end(count)` gives
 * `count` last lines of the log.
 */
export async function runLogged(name, command, args, env = {}, cwd = ROOT) {
  const log = logFile(name)
  const fd = openSync(log, 'a')
  const stopProgress = showProgress(`  ${name}`)
  try {
    const code = await exitOf(spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', fd, fd] }))
    return { ok: code === 0, log, end: (count = 40) => lastLines(log, count) }
  } finally {
    stopProgress()
    closeSync(fd)
  }
}

/** Runs a program and gathers what it prints. */
export async function runQuietly(command, args, env = {}) {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const code = await exitOf(child)
  return { ok: code === 0, stdout, stderr }
}

/** 127 is what a shell says for a program that is not there. */
function exitOf(child) {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127))
    child.once('close', (code) => resolve(code ?? 1))
  })
}

function showProgress(label) {
  if (!process.stderr.isTTY) return () => {}
  const startedAt = Date.now()
  const paint = () => process.stderr.write(`\r${label} … ${Math.round((Date.now() - startedAt) / 1_000)} s `)
  const timer = setInterval(paint, 1_000)
  return () => {
    clearInterval(timer)
    process.stderr.write('\r\x1b[K')
  }
}

function lastLines(file, count) {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n')
}
