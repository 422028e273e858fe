/** What the daemon keeps in `data.path`; the verbs find it there. */
import { join } from 'node:path'

interface DataConfig {
  readonly data: { readonly path: string }
}

export function journalFile({ data }: DataConfig): string {
  return join(data.path, 'journal.db')
}

export function controlSocket({ data }: DataConfig): string {
  return join(data.path, 'control.sock')
}
