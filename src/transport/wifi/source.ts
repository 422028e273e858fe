import type { TransportUrl } from '../url.js'

export type WifiUrl = Extract<TransportUrl, { scheme: 'wifi' }>

/** Something that tells a newsroom about stations until it is closed. */
export interface Source {
  /** Never throws; leaves no process, timer or watch behind. */
  close(): Promise<void>
}
