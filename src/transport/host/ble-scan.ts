/** Listens with noble: keeps the scan alive, collects what is heard, and says when a fresh process would be better. */
import type { BleOrders, SentAdvert } from './ble-wire.js'
import { bleFault, silentFault, stateFault } from './ble-faults.js'
import { forget, guardEvents, type Noble, type Peripheral } from './ble-noble.js'
import { toHex, type Fault } from './wire.js'

/** What is heard travels in batches: a message for each would be the most of the work. */
const BATCH_MS = 100
/** More than a crowded hall has; what is beyond it in one batch is left out. */
const MOST = 2_000
/** Another program switched our scan off: not to be fought over faster than this. */
const AGAIN_MS = 1_000
/** The heap must be over its limit so many looks in a row: garbage is no reason. */
const LOOKS = 3

/** What the scan tells the process around it. */
export interface ScanReports {
  readonly emit: (event: unknown) => void
  readonly endWith: (fault: Fault) => void
}

export class Scan {
  readonly #noble: Noble
  readonly #orders: BleOrders
  readonly #reports: ScanReports
  readonly #batch = new Map<string, SentAdvert>()
  #malformed = 0
  #state = 'unknown'
  #failure: Fault | undefined
  #listening = false
  #heardAt = performance.now()
  #begunAt = 0
  #tooLarge = 0
  #told = false
  #onNews: (() => void) | undefined

  constructor(noble: Noble, orders: BleOrders, reports: ScanReports) {
    this.#noble = noble
    this.#orders = orders
    this.#reports = reports
    guardEvents(noble, () => (this.#malformed += 1))
    noble.on('warning', (message) => this.#warn(message))
    noble.on('discover', (peripheral) => this.#hear(peripheral))
    noble.on('scanStart', () => this.#started())
    noble.on('scanStop', () => this.#stopped())
    // The first listener of this event makes noble open the adapter.
    noble.on('stateChange', (state) => this.#change(state))
    setInterval(() => this.#send(), BATCH_MS)
    setInterval(() => this.#look(), Math.min(5_000, orders.restartMs / 4))
  }

  /** Resolves when the radio listens, or with the reason why it does not. */
  async listening(): Promise<Fault | undefined> {
    const until = performance.now() + this.#orders.startMs
    while (!this.#listening && !this.#failure && performance.now() < until) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, until - performance.now())
        this.#onNews = () => (clearTimeout(timer), resolve())
      })
    }
    if (this.#listening) return undefined
    const { adapter } = this.#orders
    return this.#failure ?? stateFault(this.#state, adapter, false) ?? silentFault(adapter)
  }

  #change(state: string): void {
    this.#state = state
    const { adapter } = this.#orders
    if (state === 'poweredOn') return this.#begin()
    // At the start the adapter may just be on its way up.
    if (this.#listening) this.#end(stateFault(state, adapter, true))
    else if (state !== 'poweredOff') this.#failure = stateFault(state, adapter, false)
    this.#onNews?.()
  }

  #warn(message: string): void {
    if (!/^Initialization/.test(message)) return
    this.#failure = bleFault(message, this.#orders.adapter, this.#orders.stack)
    this.#onNews?.()
  }

  #begin(): void {
    this.#begunAt = performance.now()
    this.#noble.startScanning([], true)
  }

  #started(): void {
    this.#listening = true
    this.#onNews?.()
  }

  #stopped(): void {
    if (!this.#listening || this.#state !== 'poweredOn') return
    const pauseMs = Math.max(0, this.#begunAt + AGAIN_MS - performance.now())
    if (pauseMs === 0) this.#begin()
    else setTimeout(() => this.#begin(), pauseMs)
  }

  #end(fault: Fault | undefined): void {
    if (!fault) return
    this.#send()
    this.#reports.endWith(fault)
  }

  #hear(peripheral: Peripheral): void {
    this.#heardAt = performance.now()
    const sent = sentOf(peripheral)
    forget(this.#noble, peripheral.address)
    const key = JSON.stringify([sent.a, sent.m, sent.d, sent.u])
    // The same words of the same device within a batch are one sign of life: the newest.
    if (this.#batch.size < MOST || this.#batch.has(key)) this.#batch.set(key, sent)
  }

  #send(): void {
    if (this.#batch.size === 0 && this.#malformed === 0) return
    this.#reports.emit({ kind: 'adverts', adverts: [...this.#batch.values()], malformed: this.#malformed })
    this.#batch.clear()
    this.#malformed = 0
  }

  #look(): void {
    const now = performance.now()
    const { restartMs, renewMs, heapMb } = this.#orders
    if (!this.#listening) return
    this.#tooLarge = process.memoryUsage().heapUsed > heapMb * 1024 * 1024 ? this.#tooLarge + 1 : 0
    if (this.#tooLarge >= LOOKS) this.#stale('memory')
    if (now - this.#heardAt > renewMs) this.#stale('silence')
    else if (now - Math.max(this.#heardAt, this.#begunAt) > restartMs) {
      // noble switches the scan off before it switches it on.
      this.#begin()
    }
  }

  #stale(why: string): void {
    if (this.#told) return
    this.#told = true
    this.#reports.emit({ kind: 'stale', why })
  }
}

function sentOf({ address, addressType, rssi, advertisement }: Peripheral): SentAdvert {
  const { manufacturerData, serviceData = [], serviceUuids = [] } = advertisement
  return {
    a: address.replaceAll(':', '').toUpperCase(),
    r: addressType === 'random',
    s: rssi,
    ...(manufacturerData && { m: toHex(manufacturerData) }),
    d: serviceData.map(({ uuid, data }) => [uuid, toHex(data)] as const),
    // noble writes a18 for 0a18 in these, and only in these. [BLE §4]
    u: serviceUuids.map((uuid) => (uuid.length < 4 ? uuid.padStart(4, '0') : uuid)),
  }
}
