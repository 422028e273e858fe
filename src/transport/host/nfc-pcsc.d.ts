/** The part of nfc-pcsc 0.8.1 and of its pcsclite binding that punchd uses. The package brings no types. */
declare module 'nfc-pcsc' {
  import type { EventEmitter } from 'node:events'

  /** The native reader below nfc-pcsc's Reader. */
  export interface NativeReader extends EventEmitter {
    readonly name: string
    /** Set by the binding after connect and disconnect. */
    connected: boolean
    connect(
      options: { share_mode: number; protocol: number },
      done: (error: Error | null | undefined, protocol?: number) => void,
    ): void
    disconnect(disposition: number, done: (error: Error | null | undefined) => void): void
    transmit(
      data: Buffer,
      maxLength: number,
      protocol: number,
      done: (error: Error | null | undefined, response?: Buffer) => void,
    ): void
    control(
      data: Buffer,
      code: number,
      maxLength: number,
      done: (error: Error | null | undefined, response?: Buffer) => void,
    ): void
    on(event: 'status', listener: (status: { state: number; atr?: Buffer }) => void): this
  }

  export interface Reader extends EventEmitter {
    readonly name: string
    readonly reader: NativeReader
    on(event: 'error', listener: (error: Error) => void): this
    on(event: 'end', listener: () => void): this
  }

  export class NFC {
    on(event: 'reader', listener: (reader: Reader) => void): this
    on(event: 'error', listener: (error: Error) => void): this
  }
}
