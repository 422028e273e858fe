/** As much of JSON Schema as ours uses; a keyword that it does not know is an error, so that nothing passes unlooked at. */

type Schema = Readonly<Record<string, unknown>>
type Check = (value: unknown, argument: never, schema: Schema) => boolean

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  null: (value) => value === null,
}
const always = (): boolean => true

const CHECKS: Readonly<Record<string, Check>> = {
  $schema: always,
  title: always,
  description: always,
  default: always,
  then: always,
  type: (value, type: string) => TYPES[type]?.(value) === true,
  const: (value, expected: unknown) => value === expected,
  enum: (value, values: unknown[]) => values.includes(value),
  required: (value, keys: string[]) => !isObject(value) || keys.every((key) => key in value),
  properties: (value, inner: Record<string, Schema>) =>
    !isObject(value) || Object.entries(inner).every(([key, schema]) => !(key in value) || accepts(schema, value[key])),
  propertyNames: (value, names: Schema) => !isObject(value) || Object.keys(value).every((key) => accepts(names, key)),
  additionalProperties: (value, rest: Schema | boolean, { properties = {} }) =>
    !isObject(value) ||
    Object.entries(value).every(
      ([key, inner]) => key in (properties as object) || (typeof rest === 'boolean' ? rest : accepts(rest, inner)),
    ),
  items: (value, schema: Schema) => !Array.isArray(value) || value.every((item) => accepts(schema, item)),
  maxItems: (value, most: number) => !Array.isArray(value) || value.length <= most,
  pattern: (value, pattern: string) => typeof value !== 'string' || new RegExp(pattern).test(value),
  minLength: (value, least: number) => typeof value !== 'string' || value.length >= least,
  maxLength: (value, most: number) => typeof value !== 'string' || value.length <= most,
  minimum: (value, least: number) => typeof value !== 'number' || value >= least,
  maximum: (value, most: number) => typeof value !== 'number' || value <= most,
  anyOf: (value, any: Schema[]) => any.some((schema) => accepts(schema, value)),
  allOf: (value, all: Schema[]) => all.every((schema) => accepts(schema, value)),
  if: (value, condition: Schema, { then: consequence }) =>
    !accepts(condition, value) || accepts(consequence ?? {}, value),
}

export function accepts(schema: unknown, value: unknown): boolean {
  return Object.entries(schema as Schema).every(([keyword, argument]) => {
    const check = CHECKS[keyword]
    if (!check) throw new TypeError(`the keyword ${keyword} is not checked here`)
    return check(value, argument as never, schema as Schema)
  })
}
