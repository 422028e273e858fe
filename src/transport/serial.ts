/** `serial:`: UARTs and USB serial adapters. The only importer of `serialport`. */
import { userInfo } from 'node:os'
import type { SerialPort } from 'serialport'
import { messageOf, TransportError } from '../errors.js'
import { guard } from './guard.js'
import { holdersOf, stableNames } from './ports.js'
import { StreamTransport } from './stream.js'
import type { Opened, OpenContext, TransportUrl } from './url.js'

type SerialUrl = Extract<TransportUrl, { scheme: 'serial' }>

/**
 * Opens the path as it is written: a link under /dev/serial/by-id leads to the right ttyUSB number after each replug.
 * Exclusive: a second program, or a second reader on the same port, is told who holds it.
 */
export async function openSerial(url: SerialUrl, context: OpenContext): Promise<Opened> {
  const port = await newPort(url)
  await open(port).catch(async (error: unknown) => {
    throw await whyNot(url.path, error)
  })
  const transport = new StreamTransport(port, url.path, context)
  // An error argument means the device left; our own close comes without one and finds the reading ended already.
  port.once('close', (error: Error | null) => transport.lose(error))
  port.on('error', (error) => transport.lose(error))
  const close = async (): Promise<void> => {
    transport.end()
    await release(port)
  }
  return { kind: 'bytes', transport, close }
}

async function newPort({ path, baudRate }: SerialUrl): Promise<SerialPort> {
  try {
    const { SerialPort } = await import('serialport')
    return new SerialPort({ path, baudRate, autoOpen: false })
  } catch (cause) {
    const hint = 'reinstall it for this Node and processor: npm rebuild @serialport/bindings-cpp'
    throw new TransportError('transport-unavailable', 'the serialport package does not load', { hint, cause })
  }
}

function open(port: SerialPort): Promise<void> {
  return new Promise((resolve, reject) => {
    port.open((error) => {
      if (error) return reject(error)
      if (port.port && 'poller' in port.port) guard(port.port)
      resolve()
    })
  })
}

/** Closes the port, or waits for a close that is under way; resolves in any case. */
function release(port: SerialPort): Promise<void> {
  return new Promise((resolve) => {
    if (port.isOpen) return port.close(() => resolve())
    if (!port.closing) return resolve()
    port.once('close', () => resolve())
    port.once('error', () => resolve())
  })
}

/** serialport reports failures to open as text only. */
async function whyNot(path: string, cause: unknown): Promise<TransportError> {
  const message = messageOf(cause)
  if (/Permission denied|Operation not permitted/.test(message)) {
    const hint = `sudo usermod -aG dialout ${userInfo().username}, then log in again or restart the service`
    return new TransportError('transport-denied', `no permission to open ${path}`, { hint, cause })
  }
  if (/Cannot lock port|resource busy/i.test(message)) {
    return new TransportError('transport-locked', `another program holds ${path}`, {
      hint: await lockHint(path),
      cause,
    })
  }
  if (/No such (file|device)/.test(message)) {
    return new TransportError('transport-absent', `${path} is not there`, { hint: await absentHint(), cause })
  }
  return new TransportError('transport-absent', `${path} does not open as a serial port`, {
    hint: await absentHint(),
    cause,
  })
}

async function absentHint(): Promise<string> {
  const names = await stableNames()
  if (names.length === 0) return 'no USB serial device is plugged in (/dev/serial/by-id is empty)'
  return `plugged in are: ${names.join(', ')}`
}

async function lockHint(path: string): Promise<string> {
  const holders = await holdersOf(path).catch(() => []) // It may have gone since.
  const own = holders.some(({ pid }) => pid === process.pid)
  if (own) return 'punchd itself has it open: two readers name the same port'
  const named = holders.map(({ pid, command }) => `${command} (pid ${pid})`).join(', ')
  return named === '' ? `sudo fuser -v ${path} shows who` : `held by ${named}; sudo fuser -v ${path} shows more`
}
