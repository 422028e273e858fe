/**
 * How a driver declares its options: as data. The loader turns them into a check with positions, the docs verb
 * into a commented example and a JSON Schema. Imports nothing, so that a driver pulls in no library.
 */

interface Described {
  /** One sentence for the operator; stands in the example config and the schema. */
  readonly about: string
}
/** YAML `500ms`, `30s`, `5m`, `7d`; the driver gets milliseconds. */
export interface DurationOption extends Described {
  readonly kind: 'duration'
  readonly default: string
}
export interface ChoiceOption<Value extends string = string> extends Described {
  readonly kind: 'choice'
  readonly values: readonly Value[]
  readonly default: Value
}
export interface FlagOption extends Described {
  readonly kind: 'flag'
  readonly default: boolean
}
export interface WholeOption extends Described {
  readonly kind: 'whole'
  readonly min: number
  readonly max: number
  readonly default: number
}
export interface TextOption extends Described {
  readonly kind: 'text'
  readonly default: string
}
/** Kept elsewhere: `{ file }`, `{ env }`, `{ credential }` or the text itself; the driver gets the text, '' when absent. */
export interface SecretOption extends Described {
  readonly kind: 'secret'
}
/** A list of whom to look for: `[{ type, value, name?, irk? }]`. */
export interface WatchOption extends Described {
  readonly kind: 'watch'
}
export type Option = DurationOption | ChoiceOption | FlagOption | WholeOption | TextOption | SecretOption | WatchOption

/** One entry of a `watch` list. */
export interface Watched {
  readonly type: 'beacon' | 'phone' | 'mac'
  /** As in a credential; of a phone the name given to its identity key. */
  readonly value: string
  /** Whose it is: entries with one name are one person's things. */
  readonly name?: string | undefined
  /** A phone's identity resolving key, 32 hex digits; already read from its file, variable or credential. */
  readonly irk?: string | undefined
}

export type OptionFields = Readonly<Record<string, Option>>

type ValueOf<O extends Option> =
  O extends ChoiceOption<infer Value>
    ? Value
    : O extends FlagOption
      ? boolean
      : O extends TextOption | SecretOption
        ? string
        : O extends WatchOption
          ? readonly Watched[]
          : number
export type OptionValue = string | number | boolean | readonly Watched[]

/** The values a driver gets for the options it declared: durations as milliseconds. */
export type OptionValues<Fields extends OptionFields> = { readonly [Name in keyof Fields]: ValueOf<Fields[Name]> }

/** Declares the options of a driver. */
export function options<const Fields extends OptionFields>(fields: Fields): Fields {
  return fields
}
/** A length of time, written `500ms`, `30s`, `5m`, `2h`, `7d`; milliseconds for the driver. */
export function duration(preset: string, about: string): DurationOption {
  return { kind: 'duration', default: preset, about }
}
/** One of a few words. */
export function choice<const Value extends string>(
  values: readonly Value[],
  preset: NoInfer<Value>,
  about: string,
): ChoiceOption<Value> {
  return { kind: 'choice', values, default: preset, about }
}
/** true or false. */
export function flag(preset: boolean, about: string): FlagOption {
  return { kind: 'flag', default: preset, about }
}
/** A whole number between `min` and `max`, both included. */
export function whole(min: number, max: number, preset: number, about: string): WholeOption {
  return { kind: 'whole', min, max, default: preset, about }
}
/** Free text. */
export function text(preset: string, about: string): TextOption {
  return { kind: 'text', default: preset, about }
}

/** A secret. Its name must say so (secret, password, token …), that nothing ever prints its value. */
export function secret(about: string): SecretOption {
  return { kind: 'secret', about }
}

/** Whom to look for. */
export function watch(about: string): WatchOption {
  return { kind: 'watch', about }
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `500ms`, `30s`, `5m`, `2h`, `7d`; undefined when it is none of these. */
export function durationMs(written: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(written)
  if (!match) return undefined
  return Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN)
}
