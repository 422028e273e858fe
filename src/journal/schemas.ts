import type { RecordKind } from '../model.js'

/** Schema names in records. */
export const SCHEMA_OF: Readonly<Record<RecordKind, string>> = {
  punch: 'punch/1',
  audit: 'audit/1',
  presence: 'presence/1',
  correction: 'correction/1',
}
