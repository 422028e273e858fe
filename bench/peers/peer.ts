/** What the bench asks of every peer, whatever it is made of. */

/** Where one peer runs, from its first start to its last. */
export interface Place {
  /** A folder of its own: what survives a kill is there. */
  readonly folder: string
  /** Port of the broker that goes away. */
  readonly upstreamPort: number
  /** A port that nobody else uses, for a peer that listens itself. */
  readonly ownPort: number
}

/** One process of a peer, from start to kill. */
export interface PeerLife {
  /** Process number of what is measured and killed. */
  readonly pid: number
  /** Brings punches `from` and on, in order; returns the numbers that the peer accepted. */
  produce(from: number, count: number): Promise<readonly number[]>
  /** SIGKILL: resolves when the process is gone. */
  kill(): Promise<void>
}

export interface Peer {
  /** Product and setting: a row of the table. */
  readonly name: string
  /** What it was told beyond its defaults, and what it says about itself. */
  readonly settings: string
  /** The moment from which a producer may believe that the punch is safe. */
  readonly accepted: string
  readonly version: string
  /** Its cost grows with the square of the backlog: no more punches than this. */
  readonly most?: number
  start(place: Place): Promise<PeerLife>
}

/** A peer that is not here, and how it comes here. */
export interface Absent {
  readonly name: string
  readonly get: string
}

/** What was found of one product. */
export interface Found {
  readonly peers: readonly Peer[]
  readonly absent: readonly Absent[]
}

/** Folders that the user named. */
export interface Given {
  /** Where `--install` puts them. */
  readonly installed: string | undefined
  /** A checkout of thingsboard-gateway. */
  readonly thingsboard: string | undefined
}
