/** Lists of IP addresses and networks, as operators write them: who may speak to a listener. */
import { BlockList, isIP } from 'node:net'

export interface AddressList {
  has(address: string): boolean
}

/** Reads `192.168.1.0/24, 10.0.0.5, fd00::/8`; an empty text means everybody. A text that is none gives `{ problem }`. */
export function addressList(written: string): AddressList | { readonly problem: string } {
  const entries = written.split(/[\s,]+/).filter((entry) => entry !== '')
  if (entries.length === 0) return { has: () => true }
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/')
    const version = isIP(address)
    const most = version === 4 ? 32 : 128
    if (version === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) {
      return { problem: `"${entry}" is no address and no network, such as 192.168.1.0/24` }
    }
    list.addSubnet(address, Number(bits ?? most), version === 4 ? 'ipv4' : 'ipv6')
  }
  return {
    has: (address) => {
      const version = isIP(address)
      return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6')
    },
  }
}
