/** The shape of the configuration file (CONTRACT §3): types, bounds, defaults and the sentence for each key. */
import { z } from 'zod'
import { LOG_LEVELS } from './config.js'
import { durationMs, type Option, type OptionFields } from './options.js'

const ID = /^[a-z0-9-]{1,32}$/
const idText = (about: string) => z.string().regex(ID, 'must be 1 to 32 of a-z, 0-9 and -').describe(about)

/** YAML `30s`; milliseconds after parsing. */
const durationText = (about: string) =>
  z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'must be a duration like 500ms, 30s, 5m, 2h or 7d')
    .transform((written) => durationMs(written) ?? 0)
    .describe(about)

/** A secret: the text itself, or where it is kept. Printed nowhere. */
const secret = (about: string) =>
  z
    .union(
      [
        z.string().min(1),
        z.strictObject({ file: z.string().min(1) }),
        z.strictObject({ env: z.string().min(1) }),
        z.strictObject({ credential: z.string().min(1) }),
      ],
      { error: 'must be a text, { file: PATH }, { env: NAME } or { credential: NAME }' },
    )
    .describe(about)

const CANONICAL_WATCH = {
  beacon: /^(?:[0-9A-F]{40}|[0-9A-F]{32}|[0-9A-F]{2,124})$/,
  phone: /^\S.{0,63}$/,
  mac: /^[0-9A-F]{12}$/,
} as const

const watched = z
  .strictObject({
    type: z.enum(['beacon', 'phone', 'mac'], { error: 'must be beacon, phone or mac' }),
    value: z.string(),
    name: z.string().min(1).max(64).optional(),
    irk: secret('Identity resolving key of a phone, 32 hex digits.').optional(),
  })
  .check(({ value: { type, value, irk }, issues }) => {
    const wrong = (path: string, message: string): void => void issues.push({ code: 'custom', input: value, path: [path], message }) // prettier-ignore
    if (!CANONICAL_WATCH[type].test(value)) wrong('value', `is no ${type}: write ${FORM_OF_WATCH[type]}`)
    if ((type === 'phone') !== (irk !== undefined)) wrong('irk', type === 'phone' ? 'is missing' : 'belongs to phones')
  })
const FORM_OF_WATCH = {
  beacon: 'upper-case hex digits without dashes',
  phone: 'the name you give its key',
  mac: '12 upper-case hex digits without colons',
} as const

const site = z.strictObject({
  id: idText('Stands in topics.'),
  name: z.string().max(200).optional().describe('For people. Default: the id.'),
  timezone: z
    .string()
    .refine(isTimeZone, 'is no IANA time zone, such as Europe/Berlin')
    .default('UTC')
    .describe('The zone in which punch times are written.'),
})

const gateway = z
  .strictObject({ id: idText('Stands in topics. Default: first 8 hex digits of /etc/machine-id.').optional() })
  .default({})

const data = z
  .strictObject({
    path: z
      .string()
      .startsWith('/', 'must be an absolute path')
      .default('/var/lib/punchd')
      .describe('Directory of the journal.'),
    keepSettled: durationText('How long delivered records stay for export.').prefault('400d'),
  })
  .prefault({})

const BROKER_URL = 'must be mqtt://HOST:PORT, mqtts://HOST:PORT, ws://… or wss://…, without user or password'
const brokerUrl = z.string().refine(isBrokerUrl, BROKER_URL)

const mqtt = z.strictObject({
  url: z
    .union([brokerUrl, z.array(brokerUrl).min(1).max(16)], { error: `${BROKER_URL}; or a list of these` })
    .describe(
      'The broker: mqtt:// mqtts:// ws:// wss://; or a list of them, such as the nodes of a cluster, tried in order.',
    ),
  protocol: z
    .union([z.literal(5), z.literal(4)], { error: 'must be 5, or 4 for MQTT 3.1.1' })
    .default(5)
    .describe('5; or 4 = MQTT 3.1.1, shown as degraded: it cannot refuse a publish.'),
  clientId: z.string().min(1).max(128).optional().describe('Default: punchd-SITE-GATEWAY.'),
  username: z.string().optional(),
  password: secret('A text, { file: PATH }, { env: NAME } or { credential: NAME } (systemd).').optional(),
  tls: z
    .strictObject({ ca: z.string().optional(), cert: z.string().optional(), key: z.string().optional() })
    .prefault({})
    .describe('PEM files; default: the CAs of the system.'),
  topicPrefix: z
    .string()
    .regex(/^[^+#$\s/][^+#\s]*[^+#\s/]$/, 'must not contain + # or spaces, nor begin or end with /')
    .default('punchd/v1'),
  window: z.number().int().min(1).max(1000).default(64).describe('Publishes in flight.'),
  settle: z
    .enum(['puback', 'receipt'], { error: 'must be puback or receipt' })
    .default('puback')
    .describe('What settles a record: the acknowledgement of the broker, or the receipt of the consumer.'),
})

const direction = z
  .enum(['in', 'out', 'none', 'auto'], { error: 'must be in, out, none or auto' })
  .default('none')
  .describe('auto: in and out in turn for each person; see policy.autoDirection.')

const point = z.strictObject({
  id: idText('Stands in topics and records. Unique among readers and points.'),
  name: z.string().max(200).optional().describe('For people. Default: the id.'),
  match: z.record(z.string(), z.unknown()).default({}).describe('By what the driver knows it, such as { address: 0 }.'),
  direction,
  place: idText('Default: the id.').optional(),
  options: z.record(z.string(), z.unknown()).default({}).describe('The options of the driver for a point.'),
})

const reader = z.strictObject({
  id: idText('Stands in topics and records. Unique.'),
  name: z.string().max(200).optional().describe('For people. Default: the id.'),
  driver: z.string().describe('Which driver speaks to it.'),
  transport: z
    .string()
    .describe(
      'serial:PATH?baudRate=N, tcp://HOST:PORT, udp://HOST:PORT, pcsc:NAME, input:PATH, gpio:CHIP?d0=N&d1=N, http://ADDR:PORT, ble:hciN or wifi:IFACE?source=S',
    ),
  direction,
  place: idText('Readers of one place share the repeat window. Default: the id.').optional(),
  options: z.record(z.string(), z.unknown()).default({}).describe('The options of the driver.'),
  points: z.array(point).default([]).describe('The devices behind it, for drivers that serve several, such as osdp.'),
  sim: z.boolean().default(false).describe('A simulator stands behind it: its punches say "sim": true.'),
  enabled: z.boolean().default(true).describe('false: kept in the file, not opened.'),
})

const METHODS = ['card', 'fingerprint', 'face', 'qr', 'pin', 'ble', 'wifi'] as const

const verifyRule = z.strictObject({
  place: idText('The place of its readers; one rule each.'),
  factors: z
    .array(z.enum(METHODS, { error: `must be of ${METHODS.join(', ')}` }))
    .refine(([first, second, ...more]) => more.length === 0 && second !== undefined && first !== second, {
      error: 'must be two different methods, such as [card, fingerprint]',
    })
    .describe('In whichever order.'),
  within: durationText('The second must come within this time.').prefault('15m'),
})

const DAY_START = /^(?:none|(?:[01]\d|2[0-3]):[0-5]\d)$/

const autoDirection = z
  .strictObject({
    dayStart: z
      .string()
      .regex(DAY_START, 'must be a time of day like 04:00, or none')
      .default('04:00')
      .describe('From this time on the first one is in, whatever was before; choose one at which nobody works.'),
    maxStay: durationText('Whoever came in longer ago forgot to go out.').prefault('16h'),
  })
  .prefault({})

const policy = z
  .strictObject({
    repeatWindow: durationText(
      'A second punch of one credential at the same place and direction within this time is a repeat.',
    ).prefault('5m'),
    verify: z
      .array(verifyRule)
      .default([])
      .describe('Two factors of one person within some time: [{ place, factors: [card, fingerprint], within: 15m }].'),
    unknown: z
      .enum(['publish', 'hold'], { error: 'must be publish or hold' })
      .default('publish')
      .describe('What becomes of credentials that the people list does not know; hold: stored, not sent.'),
    autoDirection,
  })
  .prefault({})

const log = z
  .strictObject({ level: z.enum(LOG_LEVELS, { error: `must be ${LOG_LEVELS.join(', ')}` }).default('info') })
  .prefault({})

/** The whole file. */
export const fileSchema = z.strictObject({
  version: z.literal(1, { error: 'must be 1' }).describe('Version of this format.'),
  site,
  gateway,
  data,
  mqtt,
  readers: z.array(reader).default([]),
  policy,
  log,
})
export type FileValues = z.output<typeof fileSchema>

/** The check for the options a driver declared. */
export function optionsSchema(fields: OptionFields): z.ZodType<Record<string, unknown>> {
  const shape = Object.entries(fields).map(([name, option]) => [name, optionSchema(option)] as const)
  return z.strictObject(Object.fromEntries(shape))
}

function optionSchema(option: Option): z.ZodType {
  switch (option.kind) {
    case 'duration':
      return durationText(option.about).prefault(option.default)
    case 'choice':
      return z
        .enum([...option.values], { error: `must be one of ${option.values.join(', ')}` })
        .default(option.default)
        .describe(option.about)
    case 'flag':
      return z.boolean().default(option.default).describe(option.about)
    case 'whole':
      return z.number().int().min(option.min).max(option.max).default(option.default).describe(option.about)
    case 'text':
      return z.string().default(option.default).describe(option.about)
    case 'secret':
      return secret(option.about).optional()
    case 'watch':
      return z.array(watched).max(100_000).default([]).describe(option.about)
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function isBrokerUrl(written: string): boolean {
  if (!URL.canParse(written)) return false
  const url = new URL(written)
  return /^(mqtts?|wss?):$/.test(url.protocol) && url.hostname !== '' && url.username === '' && url.password === ''
}
