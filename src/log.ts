/** Logs: JSON with a journald priority under systemd, readable on a terminal. The only importer of `winston`. */
import winston from 'winston'
import type { LogLevel } from './config/config.js'
import type { LogFields, Logger } from './driver.js'

/** syslog priorities; journald reads the `<N>` before a line. */
const PRIORITY: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7 }

type Style = 'journald' | 'terminal' | 'json'

/** A root logger writing to stderr: stdout belongs to the results of verbs. */
export function createLogger(level: LogLevel, style: Style = detectStyle()): Logger {
  const logger = winston.createLogger({
    level,
    levels: winston.config.npm.levels,
    format: formatOf(style),
    transports: [
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- two typings of one stream class
      new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'], forceConsole: false }),
    ],
  })
  return {
    debug: (message, fields) => void logger.debug(message, fields),
    info: (message, fields) => void logger.info(message, fields),
    warn: (message, fields) => void logger.warn(message, fields),
    error: (message, fields) => void logger.error(message, fields),
  }
}

/** A logger that adds `fields` to every line. */
export function withFields(log: Logger, fields: LogFields): Logger {
  return {
    debug: (message, more) => log.debug(message, { ...fields, ...more }),
    info: (message, more) => log.info(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    error: (message, more) => log.error(message, { ...fields, ...more }),
  }
}

function detectStyle(): Style {
  if (process.env['JOURNAL_STREAM'] !== undefined) return 'journald'
  return process.stderr.isTTY ? 'terminal' : 'json'
}

function formatOf(style: Style): winston.Logform.Format {
  if (style === 'terminal') return winston.format.printf(terminalLine)
  if (style === 'journald') return winston.format.printf((entry) => `<${PRIORITY[entry.level] ?? 6}>${jsonLine(entry)}`)
  return winston.format.printf((entry) => jsonLine({ ...entry, time: new Date().toISOString() }))
}

function jsonLine({ level, message, ...fields }: winston.Logform.TransformableInfo): string {
  return JSON.stringify({ level, msg: message, ...fields })
}

const COLOUR: Readonly<Record<string, string>> = {
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '',
  debug: '\u001b[2m',
}

function terminalLine({ level, message, ...fields }: winston.Logform.TransformableInfo): string {
  const time = new Date().toTimeString().slice(0, 8)
  const facts = Object.entries(fields)
    .filter(([name, value]) => value !== undefined && name !== 'event')
    .map(([name, value]) => `${name}=${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`)
  const colour = process.env['NO_COLOR'] === undefined ? (COLOUR[level] ?? '') : ''
  const line = [time, level.padEnd(5), String(message), ...facts].join(' ')
  return colour === '' ? line : `${colour}${line}\u001b[0m`
}

function quoted(value: string): string {
  return /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value)
}
