/** The process around node-wifi: it changes the language of its whole process, and waits for nmcli without end. */
import { messageOf } from '../../errors.js'
import { followParent, Refusal, serve } from './child.js'
import { isRecord } from './wire.js'

followParent('wifi')
const { default: wifi } = await import('node-wifi')

let ready: string | undefined

serve(() => async (verb, body) => {
  const iface = isRecord(body) && typeof body['iface'] === 'string' ? body['iface'] : ''
  if (verb !== 'scan') throw new Refusal({ code: 'transport-lost', message: `unknown request ${verb}` })
  if (ready !== iface) wifi.init({ iface })
  ready = iface
  try {
    return await wifi.scan()
  } catch (error) {
    throw new Refusal(faultOf(messageOf(error)))
  }
})

/** node-wifi gives what nmcli printed, or that there is none. */
function faultOf(message: string): Refusal['fault'] {
  if (/ENOENT|not found/i.test(message)) {
    const hint = 'node-wifi needs NetworkManager: sudo apt install network-manager; or use another source'
    return { code: 'transport-unavailable', message: 'the program nmcli is not installed', hint }
  }
  if (/not running/i.test(message)) {
    const hint = 'sudo systemctl start NetworkManager; or use another source'
    return { code: 'transport-unavailable', message: 'NetworkManager is not running', hint }
  }
  return { code: 'transport-lost', message: `nmcli: ${message.trim().split('\n')[0] ?? ''}`, hint: 'nmcli device wifi list shows the same by hand' } // prettier-ignore
}
