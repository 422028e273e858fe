/** The shape of a scenario file. What refers to something else in it is checked in load.ts and timeline.ts. */
import { z } from 'zod'
import { DURATION_FORM, milliseconds, whenOf } from './durations.js'
import { COUNTS, SENTENCES } from './expectations.js'
import { DEEDS } from './scenario.js'
import { OVERS, TWIN_NAMES, CARD_FORMS } from './twins.js'

const LENGTH = /^(?:\d+m(?!s))?(?:\d+(?:\.\d+)?s)?(?:\d+ms)?$/
const length = (about: string) =>
  z
    .string({ error: `must be a length of time: ${DURATION_FORM}` })
    .regex(LENGTH, `must be a length of time: ${DURATION_FORM}`)
    .transform((written) => milliseconds(written) ?? 0)
    .describe(about)

/** 0.1 or `10%`. */
const share = (about: string) =>
  z
    .union([z.number().min(0).max(1), z.string().regex(/^(100|\d{1,2}(\.\d+)?)%$/)], {
      error: 'must be a share: 0 to 1, or 0% to 100%',
    })
    .transform((written) => (typeof written === 'number' ? written : Number.parseFloat(written) / 100))
    .optional()
    .describe(about)

const cardNumber = z.string({ error: `must be ${CARD_FORMS}` }).describe(`The number of a card: ${CARD_FORMS}.`)

export const personSchema = z.strictObject({
  name: z.string().regex(/^\p{L}[\p{L}\p{N}'-]{0,31}$/u, "must be one word of up to 32 letters, digits, - and '"),
  card: cardNumber.optional(),
  cards: z.array(cardNumber).min(1).optional(),
})

export const generateSchema = z.strictObject({
  generate: z.number().int().min(1).max(10_000).describe('So many people with made-up names, and a card of each kind.'),
})

const faults = z.strictObject({
  noise: share('Random bytes before a frame.'),
  split: share('A frame arrives in several pieces.'),
  corrupt: share('One to three neighbouring bits of a frame are flipped.'),
  delay: share('Pieces of a frame come late, up to maxDelay.'),
  maxDelay: length('The most that a piece is late.').optional(),
  cut: share('The line drops in the middle of a frame, and comes back by itself.'),
})

export const readerSchema = z.strictObject({
  twin: z.enum(TWIN_NAMES, { error: `must be ${TWIN_NAMES.join(' or ')}` }).describe('Which reader is played.'),
  over: z
    .enum(OVERS, { error: `must be ${OVERS.join(', ')}` })
    .default('auto')
    .describe('How it is connected. auto: a pty where socat is installed, else TCP; a private pcscd for pcsc.'),
  direction: z.enum(['in', 'out', 'none'], { error: 'must be in, out or none' }).default('none'),
  place: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, 'must be 1 to 32 of a-z, 0-9 and -')
    .optional(),
  optional: z.boolean().default(false).describe('Left out where the machine cannot have it.'),
  faults: faults.default({}).describe('How likely what goes wrong is for one frame.'),
})

export const stepSchema = z.strictObject({
  at: z
    .string()
    .refine(
      (written) => whenOf(written) !== undefined,
      `must be a time from the start (${DURATION_FORM}) or a range like 5s..25s`,
    )
    .optional()
    .describe('Default: when the step before it ends.'),
  do: z.enum(DEEDS, { error: `must be one of ${DEEDS.join(', ')}` }),
  who: z
    .union([z.string(), z.number().int().min(1).max(10_000)], {
      error: 'must be a name, a number of people, or everyone',
    })
    .optional(),
  reader: z
    .union([z.string(), z.array(z.string()).min(1)], { error: 'must be a reader, or a list of them' })
    .optional(),
  times: z.number().int().min(1).max(1_000).optional(),
  every: length('Pause from one tap to the next. Default: 1s.').optional(),
  for: length('How long it lasts.').optional(),
})
export type StepValues = z.output<typeof stepSchema>

const top = {
  name: z.string().min(1).max(100).describe('For people.'),
  seed: z.number().int().min(0).max(0xffff_ffff).default(1).describe('The same seed makes the same faults and crowds.'),
  speed: z.number().min(0.1).max(100).default(1).describe('2 plays twice as fast.'),
  site: z
    .strictObject({
      timezone: z.string().refine(isTimeZone, 'is no IANA time zone, such as Europe/Berlin').default('UTC'),
    })
    .prefault({}),
  repeatWindow: z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'must be a duration like 500ms, 30s, 5m, 2h or 7d')
    .default('5m')
    .describe('policy.repeatWindow of the generated configuration.'),
}

/** Loose where each entry is checked by itself, so that every problem is found and has its place. */
export const fileSchema = z.strictObject({
  ...top,
  people: z.union([z.array(z.unknown()).min(1), z.record(z.string(), z.unknown())], {
    error: 'must be a list, or generate: N',
  }),
  readers: z.record(z.string(), z.unknown()),
  timeline: z.array(z.unknown()),
  expect: z.array(z.unknown()).optional(),
})
export type FileValues = z.output<typeof fileSchema>

/** JSON Schema (draft 2020-12) of the file, for editors. */
export function jsonSchema(): unknown {
  const counts = Object.entries(COUNTS).map(([name, about]) => [
    name,
    z.union([z.number().int(), z.string()]).optional().describe(about),
  ])
  const strict = z.strictObject({
    ...top,
    people: z.union([generateSchema, z.array(z.union([personSchema, generateSchema]))]),
    readers: z.record(z.string(), readerSchema),
    timeline: z.array(z.union([z.string().describe('A sentence, as in simulators/README.md.'), stepSchema])),
    expect: z.array(z.union([z.enum(Object.keys(SENTENCES)), z.strictObject(Object.fromEntries(counts))])).optional(),
  })
  return { title: 'punchd scenario', ...z.toJSONSchema(strict, { io: 'input' }) }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
