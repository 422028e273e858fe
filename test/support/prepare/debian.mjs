/**
 * Debian packages: installed when root, otherwise named together with what goes without them. Never a reason to
 * stop: every test and every part of the demo that needs one of them can do without and says so.
 */
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runLogged, runQuietly, say } from './say.mjs'

const BOTH = ['demo', 'test']
const COMPILING = 'compiling native packages for which no binary can be had'

/** `needed` narrows a package to machines that do not have the thing by another way. */
const WANTED = [
  { name: 'build-essential', without: COMPILING, purposes: BOTH, needed: () => !onPath('c++') || !onPath('make') },
  { name: 'python3', without: COMPILING, purposes: BOTH, needed: () => !onPath('python3') },
  { name: 'libpcsclite-dev', without: 'NFC readers', purposes: BOTH },
  { name: 'libpcsclite1', without: 'NFC readers', purposes: BOTH },
  { name: 'pcscd', without: 'NFC readers', purposes: BOTH },
  { name: 'vsmartcard-vpcd', without: 'simulated NFC readers', purposes: BOTH },
  { name: 'mosquitto', without: 'tests against a real MQTT broker', purposes: BOTH },
  { name: 'socat', without: 'simulated serial lines', purposes: BOTH },
  { name: 'udev', without: 'listing of serial ports', purposes: BOTH },
  { name: 'util-linux', without: 'tests with two daemons and with private networks', purposes: BOTH },
  { name: 'hostapd', without: 'presence at a real access point', purposes: ['test'] },
  { name: 'dnsmasq-base', without: 'presence by real leases', purposes: ['test'] },
  { name: 'udhcpc', without: 'presence by real leases', purposes: ['test'] },
  { name: 'libnfc-bin', without: 'the PN532 twin tested against libnfc', purposes: ['test'] },
  { name: 'systemd', without: 'tests of the systemd unit', purposes: ['test'] },
]

/** @param {'demo' | 'test'} purpose */
export async function installDebianPackages(purpose) {
  const wanted = WANTED.filter(({ purposes, needed }) => purposes.includes(purpose) && (needed?.() ?? true))
  if (!onPath('dpkg-query')) {
    return say(`This is no Debian: what needs ${namesOf(wanted)} is skipped unless it is there by another way.`)
  }
  const installed = await installedPackages()
  const missing = wanted.filter(({ name }) => !installed.has(name))
  if (missing.length === 0) return
  if (process.getuid?.() === 0 && onPath('apt-get')) return install(missing)
  tellMissing('Not root, so these Debian packages are not installed:', missing)
}

function tellMissing(heading, packages) {
  say(heading)
  for (const feature of new Set(packages.map(({ without }) => without))) {
    say(`  ${namesOf(packages.filter(({ without }) => without === feature))}: needed for ${feature}`)
  }
  say(`  To have them:  sudo apt-get install --no-install-recommends ${namesOf(packages)}`)
}

async function installedPackages() {
  const { stdout } = await runQuietly('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\n'])
  const lines = stdout.split('\n').map((line) => line.split(' '))
  return new Set(lines.filter(([, status]) => status === 'installed').map(([name]) => name))
}

async function install(missing) {
  say(`Installing Debian packages: ${namesOf(missing)}`)
  const permitServices = forbidServiceStarts()
  try {
    const available = await withCandidates(missing)
    const absent = missing.filter((entry) => !available.includes(entry))
    if (absent.length > 0) tellMissing('This system offers no package for these:', absent)
    if (available.length > 0) await aptInstall(available)
  } finally {
    permitServices()
  }
  if (missing.some(({ name }) => name === 'mosquitto')) await keepBrokerOff()
}

/** Looks first without `apt-get update`: on most machines the lists are there and fresh enough. */
async function withCandidates(packages) {
  const found = await candidates(packages)
  if (found.length === packages.length) return found
  await runLogged('apt-get update', 'apt-get', ['update'])
  return candidates(packages)
}

async function candidates(packages) {
  const { stdout } = await runQuietly('apt-cache', ['policy', ...packages.map(({ name }) => name)], { LC_ALL: 'C' })
  const offered = new Set([...stdout.matchAll(/^(\S+):\n.*\n\s+Candidate: (?!\(none\))/gm)].map(([, name]) => name))
  return packages.filter(({ name }) => offered.has(name))
}

async function aptInstall(packages) {
  const args = ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '--no-install-recommends']
  const attempt = () =>
    runLogged('apt-get install', 'apt-get', [...args, ...packages.map(({ name }) => name)], {
      DEBIAN_FRONTEND: 'noninteractive',
    })
  let result = await attempt()
  if (!result.ok) {
    // Old lists name versions that the mirror no longer has.
    await runLogged('apt-get update', 'apt-get', ['update'])
    result = await attempt()
  }
  if (result.ok) return
  say(result.end())
  tellMissing(`apt-get failed (all of its output: ${result.log}):`, packages)
}

const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Debian starts a service as soon as it is installed; mosquitto would take port 1883 of a machine on which someone
 * only wanted to see a demo. A policy that is already there is the owner's word and stays.
 */
function forbidServiceStarts() {
  if (existsSync(POLICY)) return () => {}
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const lift = () => rmSync(POLICY, { force: true })
  const stop = () => process.exit(130)
  process.once('exit', lift)
  process.on('SIGINT', stop).on('SIGTERM', stop)
  return () => {
    process.off('exit', lift).off('SIGINT', stop).off('SIGTERM', stop)
    lift()
  }
}

/** The package enables its service for the next boot; tests and demo start brokers of their own on free ports. */
async function keepBrokerOff() {
  if (!existsSync('/run/systemd/system')) return
  const { ok } = await runQuietly('systemctl', ['disable', 'mosquitto.service'])
  if (ok) say('The mosquitto service stays off; `systemctl enable --now mosquitto` starts it.')
}

function namesOf(packages) {
  return packages.map(({ name }) => name).join(' ')
}

function onPath(program) {
  // Daemons stand in sbin, which the PATH of a plain user lacks.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter(Boolean)
  return folders.some((folder) => isExecutable(join(folder, program)))
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
