/** The example and the JSON Schema, both made from what the loader checks: they cannot drift. */
import { parse } from 'yaml'
import { z } from 'zod'
import { schemesOf } from '../transport/url.js'
import type { AnyDriver, Scheme } from '../driver.js'
import type { Option } from './options.js'
import { unwrapped } from './check.js'
import { fileSchema, optionsSchema } from './schema.js'

/** What a newcomer has to fill in; everything else has a default. */
const SAMPLE: Readonly<Record<string, unknown>> = {
  version: 1,
  'site.id': 'hq-berlin',
  'site.name': 'Headquarters Berlin',
  'site.timezone': 'Europe/Berlin',
  'gateway.id': 'gw-01',
  'mqtt.url': 'mqtt://broker.example.com:1883',
}
/** Written as comments: valid, but not what everybody has. */
const OPTIONAL_SAMPLE: Readonly<Record<string, string>> = {
  'mqtt.clientId': 'punchd-hq-berlin-gw-01',
  'mqtt.username': 'gw-01',
  'mqtt.password': '{ file: /etc/punchd/secrets/mqtt-password }',
  'mqtt.tls': '{ ca: /etc/punchd/ca.pem, cert: /etc/punchd/client.pem, key: /etc/punchd/client.key }',
}
const TRANSPORT_SAMPLE: Readonly<Record<Scheme, string>> = {
  serial: 'serial:/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10K2F7B-if00-port0?baudRate=9600',
  tcp: 'tcp://10.0.0.20:4196',
  pcsc: 'pcsc:*',
  input: 'input:/dev/input/by-id/usb-Reader_0001-event-kbd',
  gpio: 'gpio:/dev/gpiochip0?d0=17&d1=27',
  udp: 'udp://10.0.0.20:4370',
  http: 'http://0.0.0.0:8090',
  ble: 'ble:hci0',
  wifi: 'wifi:wlan0?source=hostapd',
}

/** A complete configuration with every key, its meaning and its default. */
export function exampleText(drivers: readonly AnyDriver[]): string {
  const lines = ['# punchd configuration. Keys that are commented out show their default or an example.']
  for (const [key, schema] of Object.entries(fileSchema.shape)) {
    if (key === 'readers') lines.push('', ...readerLines(drivers))
    else lines.push(...keyLines(key, schema, key, ''))
  }
  return lines.join('\n')
}

export function exampleValues(drivers: readonly AnyDriver[]): unknown {
  return parse(exampleText(drivers))
}

function keyLines(key: string, schema: unknown, path: string, indent: string): string[] {
  const bare = unwrapped(schema)
  const about = descriptionOf(schema)
  if (bare instanceof z.ZodObject && !(path in OPTIONAL_SAMPLE)) {
    const inner = Object.entries(bare.shape).flatMap(([name, part]) =>
      keyLines(name, part, `${path}.${name}`, `${indent}  `),
    )
    // A mapping whose keys are all commented out would be null.
    const empty = inner.every((line) => line.trimStart().startsWith('#') || line === '')
    const lines = [...(about === '' ? [] : [`${indent}# ${about}`]), `${indent}${empty ? '# ' : ''}${key}:`, ...inner]
    return indent === '' ? ['', ...lines] : lines
  }
  const comment = about === '' ? '' : `  # ${about}`
  const given = SAMPLE[path]
  if (given !== undefined) return [`${indent}${key}: ${yamlValue(given)}${comment}`]
  const value = OPTIONAL_SAMPLE[path] ?? yamlValue(defaultOf(schema))
  return [`${indent}# ${key}: ${value}${comment}`]
}

function readerLines(drivers: readonly AnyDriver[]): string[] {
  return ['readers:', ...drivers.flatMap((driver) => readerSample(driver))]
}

function readerSample({ name, title, transport, schemes, points, options }: AnyDriver): string[] {
  const optionLines = Object.entries(options).map(([key, option]) => optionLine(key, option))
  return [
    `  # ${title}`,
    `  - id: gate-${name}`,
    `    driver: ${name}`,
    `    transport: ${TRANSPORT_SAMPLE[schemesOf({ transport, ...(schemes && { schemes }) })[0] ?? 'serial']}`,
    '    direction: in  # in, out or none',
    '    # place: gate  # readers of one place share the repeat window; default: the id',
    '    # name: North gate  # for people; default: the id',
    '    # sim: false  # true: a simulator stands behind it, and its punches say so',
    '    # enabled: true  # false: kept in the file, not opened',
    ...pointLines(name, points),
    ...(optionLines.length === 0 ? [] : ['    # options:', ...optionLines]),
  ]
}

function pointLines(name: string, points: AnyDriver['points']): string[] {
  if (!points) return []
  const match = Object.entries(points.match).map(([key, option]) => `${key}: ${optionSample(option)}`)
  const options = Object.entries(points.options ?? {}).map(([key, option]) => `        #   ${optionText(key, option)}`)
  return [
    '    points:  # the devices behind it',
    `      - id: gate-${name}-1`,
    `        match: { ${match.join(', ')} }  # ${Object.values(points.match)
      .map(({ about }) => about)
      .join(' ')}`,
    ...(options.length === 0 ? [] : ['        # options:', ...options]),
  ]
}

function optionLine(key: string, option: Option): string {
  return `    #   ${optionText(key, option)}`
}

function optionText(key: string, option: Option): string {
  const choices = option.kind === 'choice' ? ` One of ${option.values.join(', ')}.` : ''
  const such = option.kind === 'watch' ? ` Such as ${WATCH_SAMPLE}.` : ''
  return `${key}: ${optionSample(option)}  # ${option.about}${choices}${such}`
}

const WATCH_SAMPLE = '[{ type: beacon, value: E2C56DB5DFFB48D2B060D0F5A71096E000010002, name: badge 12 }]'

function optionSample(option: Option): string {
  if (option.kind === 'watch') return '[]'
  return option.kind === 'secret' ? '{ file: /etc/punchd/secrets/… }' : yamlValue(option.default)
}

function yamlValue(value: unknown): string {
  if (value === undefined) return '…'
  // An empty text without quotes would be null.
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value)
}

/** Descriptions sit on the schema itself or under its default. */
function descriptionOf(schema: unknown): string {
  for (let layer = schema; layer instanceof z.ZodType;) {
    if (layer.description !== undefined) return layer.description
    if (!(layer instanceof z.ZodOptional || layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault)) return ''
    layer = layer.unwrap()
  }
  return ''
}

function defaultOf(schema: unknown): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return schema.def.defaultValue
  return undefined
}

/** JSON Schema (draft 2020-12) of the file, with the options of every driver. */
export function jsonSchema(drivers: readonly AnyDriver[]): unknown {
  const withOptions = drivers.map(({ name, options }) => ({
    if: { properties: { driver: { const: name } } },
    then: { properties: { options: withoutDialect(z.toJSONSchema(optionsSchema(options), { io: 'input' })) } },
  }))
  const names = drivers.map(({ name }) => name)
  return {
    title: 'punchd configuration',
    ...z.toJSONSchema(fileSchema, {
      io: 'input',
      override: ({ zodSchema, jsonSchema: node }) => {
        if (zodSchema !== fileSchema.shape.readers.unwrap().element) return
        node.properties = { ...node.properties, driver: { enum: names, description: 'Which driver speaks to it.' } }
        node.allOf = withOptions
      },
    }),
  }
}

function withoutDialect({ $schema: _dialect, ...schema }: Record<string, unknown>): Record<string, unknown> {
  return schema
}
