/** What is told while a stage plays: to people as lines, to programs as JSON. */
import type { PunchFacts, Visit } from './ledger.js'

export type StageEvent =
  | { readonly kind: 'presented'; readonly visit: Visit }
  /** Nothing was stored: the person takes the card off and lays it down again. */
  | { readonly kind: 'again'; readonly visit: Visit }
  | { readonly kind: 'given-up'; readonly visit: Visit }
  | {
      readonly kind: 'stored'
      readonly punch: PunchFacts
      readonly visit: Visit | undefined
      readonly afterMs: number
      readonly waits: boolean
    }
  | {
      readonly kind: 'received'
      readonly punch: PunchFacts
      readonly visit: Visit | undefined
      readonly afterMs: number
      readonly late: boolean
    }
  | { readonly kind: 'redelivered'; readonly punch: PunchFacts; readonly visit: Visit | undefined }
  /** Something else: `about` is a reader, `broker`, `gateway`, `pcscd` or ''. */
  | { readonly kind: 'note'; readonly about: string; readonly text: string }

export type Show = (event: StageEvent) => void
