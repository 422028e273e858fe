/** The program of the ble child process: the only importer of noble. */
import { messageOf } from '../../errors.js'
import { emit, endWith, followParent, Refusal, serve, type Answer } from './child.js'
import { bleFault } from './ble-faults.js'
import { loadNoble, type Noble } from './ble-noble.js'
import { Scan } from './ble-scan.js'
import { parseOrders, type BleOrders } from './ble-wire.js'
import type { Fault } from './wire.js'

followParent('ble')
const orders = parseOrders(process.argv[2])
if (orders) await start(orders)
else endWith({ code: 'protocol-broken', message: 'the ble process was started without orders' })

async function start(orders: BleOrders): Promise<void> {
  const { adapter, stack } = orders
  // Read when the package is loaded. Without the first noble takes any adapter, without the second it keeps back the
  // first advertisement of each device. [BLE §4]
  process.env['NOBLE_HCI_DEVICE_ID'] = String(adapter)
  process.env['NOBLE_REPORT_ALL_HCI_EVENTS'] = '1'
  const noble = await loadNoble(stack).catch((error: unknown): Fault => bleFault(messageOf(error), adapter, stack))
  if ('code' in noble) endWith(noble)
  else serve(() => begin(noble, orders))
}

function begin(noble: Noble, orders: BleOrders): Answer {
  const scan = new Scan(noble, orders, { emit, endWith })
  return async (verb) => {
    if (verb !== 'listen')
      throw new Refusal({ code: 'protocol-broken', message: `the ble process does not know ${verb}` })
    const fault = await scan.listening()
    if (fault) throw new Refusal(fault)
    return true
  }
}
