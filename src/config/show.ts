/** The effective values with where each comes from; secrets hidden. */
import { isMap, isScalar, isSeq } from 'yaml'
import type { Loaded } from './load.js'
import { isRecord, withOverrides } from './overrides.js'
import { pathText, type Path } from './problems.js'
import { fileSchema } from './schema.js'
import { HIDDEN, looksSecret } from './shown.js'

export interface EffectiveValue {
  readonly path: string
  readonly value: string | number | boolean | null
  /** `FILE:LINE`, `environment NAME` or `default`. */
  readonly origin: string
}

/** One entry per leaf, in the order of the schema. */
export function effectiveValues(loaded: Loaded): EffectiveValue[] {
  const written = withOverrides(loaded.source.document.toJS() ?? {}, loaded.overrides)
  // As written where it is written (`5m`, not 300000); the defaults come from the schema.
  const defaults = defaultsOf(written)
  return leaves(merged(defaults, written)).map(({ path, value }) => {
    const secret = path.some((step) => looksSecret(String(step)))
    return { path: pathText(path), value: secret ? hiddenValue(path, value) : value, origin: originOf(loaded, path) }
  })
}

/** A secret is hidden; where it is kept is not. */
function hiddenValue(path: Path, value: EffectiveValue['value']): EffectiveValue['value'] {
  return ['file', 'env', 'credential'].includes(String(path.at(-1))) ? value : HIDDEN
}

function defaultsOf(written: unknown): unknown {
  const parsed = fileSchema.safeParse(written)
  if (!parsed.success) return {}
  const { data, policy, mqtt } = parsed.data
  const days = (ms: number): string => (ms % 86_400_000 === 0 ? `${ms / 86_400_000}d` : `${ms}ms`)
  const minutes = (ms: number): string => (ms % 60_000 === 0 ? `${ms / 60_000}m` : `${ms}ms`)
  const { password: _secret, ...plain } = mqtt
  return {
    ...parsed.data,
    mqtt: plain,
    data: { ...data, keepSettled: days(data.keepSettled) },
    policy: {
      ...policy,
      repeatWindow: minutes(policy.repeatWindow),
      verify: policy.verify.map((rule) => ({ ...rule, within: minutes(rule.within) })),
      autoDirection: { ...policy.autoDirection, maxStay: minutes(policy.autoDirection.maxStay) },
    },
  }
}

function merged(defaults: unknown, written: unknown): unknown {
  if (Array.isArray(defaults) && Array.isArray(written))
    return written.map((item, index) => merged(defaults[index], item))
  if (!isRecord(defaults) || !isRecord(written)) return written ?? defaults
  const keys = new Set([...Object.keys(defaults), ...Object.keys(written)])
  return Object.fromEntries([...keys].map((key) => [key, merged(defaults[key], written[key])]))
}

function leaves(value: unknown, path: Path = []): { path: Path; value: EffectiveValue['value'] }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leaves(item, [...path, index]))
  if (isRecord(value)) return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]))
  if (value === undefined) return []
  return [
    {
      path,
      value: typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null,
    },
  ]
}

function originOf({ source, overrides }: Loaded, path: Path): string {
  const by = overrides.find((override) => override.path.every((step, depth) => path[depth] === step))
  if (by) return `environment ${by.variable}`
  const line = lineOf(source, path)
  return line === undefined ? 'default' : `${source.file}:${line}`
}

/** Line of the value in the file; undefined when it is not there. */
function lineOf({ document, lines }: Loaded['source'], path: Path): number | undefined {
  let node: unknown = document.contents
  for (const step of path) {
    if (isMap(node)) node = node.get(step, true)
    else if (isSeq(node)) node = node.get(Number(step), true)
    else return undefined
  }
  return isScalar(node) && node.range ? lines.linePos(node.range[0]).line : undefined
}

export function valueText({ path, value, origin }: EffectiveValue, withOrigin: boolean): string {
  const text = `${path} = ${String(value)}`
  return withOrigin ? `${text.padEnd(56)} # ${origin}` : text
}
