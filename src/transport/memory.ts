/**
 * `memory:`: a wire inside the process. The transport end goes to a driver, the device end to a twin.
 */
import type { Clock } from '../clock.js'
import type { ByteTransport } from '../driver.js'
import { TransportError } from '../errors.js'
import { ChunkQueue } from './chunks.js'

/** The device's end of a memory wire: what a twin holds. */
export interface DeviceEnd {
  /** Device to host. */
  send(bytes: Uint8Array): void
  /** Host to device: everything written so far, oldest first. */
  readonly received: Uint8Array[]
  /** Called with every write of the host. */
  onReceive: ((bytes: Uint8Array) => void) | undefined
  /** Pulls the cable: the driver's iteration and writes throw TransportError. */
  unplug(): void
}

/** Makes both ends of a wire. */
export function memoryWire(clock: Clock, signal: AbortSignal): { transport: ByteTransport; device: DeviceEnd } {
  const queue = new ChunkQueue(clock, signal)
  const device: DeviceEnd = {
    received: [],
    onReceive: undefined,
    send: (bytes) => queue.push(bytes),
    unplug: () => queue.fail(new TransportError('transport-lost', 'the wire was unplugged')),
  }
  const write = (bytes: Uint8Array): Promise<void> => {
    if (queue.failure) return Promise.reject(queue.failure)
    // point: transport.before-write
    device.received.push(bytes)
    device.onReceive?.(bytes)
    // point: transport.written
    return Promise.resolve()
  }
  return { transport: { write, [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator]() }, device }
}
