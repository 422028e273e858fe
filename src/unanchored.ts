/** A journal whose anchor is gone: whether its newest records are missing cannot be told, and that must not go unsaid. */
import type { Clock } from './clock.js'
import { anchorFile, readAnchor } from './journal/anchor.js'
import type { Draft } from './journal/journal.js'
import type { Logger } from './driver.js'

/** To be asked before the journal is opened: opening writes a new one. */
export function isAnchored(journalFile: string): boolean {
  return readAnchor(anchorFile(journalFile)) !== undefined
}

/** Logs it; returns the record that keeps it. */
export function unanchored({ clock, log }: { readonly clock: Clock; readonly log: Logger }): Draft {
  const hint = 'the file "anchor" in data.path was removed or spoilt; a new one was written'
  log.error('No anchor beside the journal: whether its newest records are missing cannot be told', { event: 'anchor-missing', code: 'journal-corrupt', hint }) // prettier-ignore
  const fields = { reader: null, place: null, type: 'anchor-missing', subject: 'anchor', detail: {} }
  return { kind: 'audit', channel: 'anchor-missing', moment: clock.now(), fields }
}
