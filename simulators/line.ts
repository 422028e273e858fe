/** How a byte twin speaks to the daemon: through memory, TCP or a pseudo terminal. All look alike to the twin. */
import type { ByteTransport, Clock } from '../src/driver.js'
import { memoryWire } from '../src/transport/memory.js'

/**
 * What became of bytes handed to a line. `whole`: they are on their way undamaged. `damaged`: a fault changed them.
 * `lost`: nobody was there to take them, as on a real wire.
 */
export type Delivery = 'whole' | 'damaged' | 'lost'

export interface Line {
  /** Device to host. */
  send(bytes: Uint8Array): Delivery
  /** Set by the twin: called with what the host sends. */
  onReceive: ((bytes: Uint8Array) => void) | undefined
  /** Pulls the cable: the host's port fails. */
  unplug(): void | Promise<void>
  /** Ends the line for good and releases everything. */
  close(): Promise<void>
}

/** A line whose cable can be put back: the host finds it under the same address. */
export interface PluggableLine extends Line {
  /** The transport URL under which the daemon reaches this line. */
  readonly url: string
  plug(): Promise<void>
}

/** A line inside the process. Once unplugged it stays so: a host opens a new one. */
export function memoryLine(clock: Clock, signal: AbortSignal): { line: Line; transport: ByteTransport } {
  const { transport, device } = memoryWire(clock, signal)
  let plugged = true
  const line: Line = {
    onReceive: undefined,
    send: (bytes) => {
      if (!plugged || signal.aborted) return 'lost'
      device.send(bytes)
      return 'whole'
    },
    unplug: () => {
      plugged = false
      device.unplug()
    },
    close: () => Promise.resolve(line.unplug()),
  }
  device.onReceive = (bytes) => {
    // Nobody reads the list behind a line: it would only grow.
    device.received.length = 0
    line.onReceive?.(bytes)
  }
  return { line, transport }
}
