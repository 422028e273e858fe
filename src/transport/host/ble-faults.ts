/** What goes wrong between noble and the kernel, in punchd's words. Pure. */
import type { Fault } from './wire.js'

const DENIED_HINT =
  'punchd needs CAP_NET_RAW and CAP_NET_ADMIN: the drop-in in systemd/README.md, "Bluetooth"; ' +
  'by hand: sudo setcap cap_net_raw,cap_net_admin+eip "$(readlink -f "$(which node)")"'

/** An error of the import, of binding to the adapter, or of a write to it. */
export function bleFault(text: string, adapter: number, stack: string): Fault {
  const name = `hci${adapter}`
  const code = /\b(E[A-Z]{3,})\b/.exec(text)?.[1]
  switch (code) {
    case 'EAFNOSUPPORT':
      return {
        code: 'transport-unavailable',
        message: 'this system has no Bluetooth: its kernel does not know the protocol, or the unit forbids it',
        hint: 'sudo modprobe bluetooth; under systemd the drop-in in systemd/README.md, "Bluetooth"; a container needs the network of its host',
      }
    case 'EPERM':
    case 'EACCES':
      return { code: 'transport-denied', message: `the system refuses access to ${name}`, hint: DENIED_HINT }
    case 'ENODEV':
      return {
        code: 'transport-absent',
        message: `there is no Bluetooth adapter ${name}`,
        hint: 'hciconfig -a lists them',
      }
    case 'EBUSY':
      return {
        code: 'transport-locked',
        message: `another program holds ${name}`,
        hint: 'without HCI_CHANNEL_USER an adapter can be shared; with it: sudo systemctl stop bluetooth, sudo hciconfig hci0 down',
      }
    default:
      return /cannot find|not found|invalid ELF|NODE_MODULE_VERSION|no native build/i.test(text) ? missing(stack) : { code: 'transport-lost', message: `${name} failed: ${text.split('\n')[0] ?? ''}` } // prettier-ignore
  }
}

function missing(stack: string): Fault {
  const name = `@${stack}/noble`
  return {
    code: 'transport-unavailable',
    message: `the package ${name} is not installed, or was not built for this version of Node`,
    hint:
      stack === 'abandonware'
        ? 'npm ci in the folder of punchd, or npm rebuild @abandonware/bluetooth-hci-socket'
        : `npm install ${name} in the folder of punchd`,
  }
}

/** States of noble in which nothing can be heard; `wasUp`: it had been heard before. */
export function stateFault(state: string, adapter: number, wasUp: boolean): Fault | undefined {
  const name = `hci${adapter}`
  const on = `sudo rfkill unblock bluetooth && sudo hciconfig ${name} up`
  if (state === 'unauthorized') return { code: 'transport-denied', message: `the system refuses commands to ${name}`, hint: DENIED_HINT } // prettier-ignore
  if (state === 'unsupported') return { code: 'transport-unavailable', message: `${name} has no Bluetooth LE`, hint: 'use an adapter of Bluetooth 4.0 or newer' } // prettier-ignore
  if (state !== 'poweredOff') return undefined
  if (wasUp) return { code: 'transport-lost', message: `${name} was switched off or unplugged`, hint: on }
  return { code: 'transport-absent', message: `${name} is switched off, or is not there`, hint: on }
}

export function silentFault(adapter: number): Fault {
  const hint = `sudo hciconfig hci${adapter} reset, or unplug it`
  return { code: 'transport-lost', message: `hci${adapter} does not answer`, hint }
}
