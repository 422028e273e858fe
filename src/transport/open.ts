/** Opens transports. Native packages are imported only when a URL of their scheme is opened. */
import type { OpenTransport } from './url.js'

export const openTransport: OpenTransport = async (url, context) => {
  switch (url.scheme) {
    case 'serial':
      return (await import('./serial.js')).openSerial(url, context)
    case 'tcp':
      return (await import('./tcp.js')).openTcp(url, context)
    case 'pcsc':
      return (await import('./pcsc.js')).openPcsc(url, context)
    case 'input':
      return (await import('./input.js')).openInput(url, context)
    case 'gpio':
      return (await import('./gpio.js')).openGpio(url, context)
    case 'udp':
      return (await import('./udp.js')).openUdp(url, context)
    case 'http':
      return (await import('./http.js')).openHttp(url, context)
    case 'ble':
      return (await import('./ble.js')).openBle(url, context)
    case 'wifi':
      return (await import('./wifi.js')).openWifi(url, context)
  }
}
