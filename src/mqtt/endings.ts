/** Why a connection ended or a record was not taken, as the errors that say what happens next. */
import { PublishError, TransportError } from '../errors.js'
import { clientRefusal, refusalOf } from './reasons.js'

export function refusal(error: Error): PublishError {
  const code = 'code' in error ? Number(error.code) : Number.NaN
  if (!(code >= 0x80)) return new PublishError('retry', 'publish-offline', error.message, { cause: error })
  const { disposal, text } = refusalOf(code)
  return new PublishError(disposal, 'publish-refused', text, { reasonCode: code })
}

export function disconnected(code: number): TransportError {
  const refused = clientRefusal(code)
  if (!refused) return lostConnection(`the broker ended the connection (0x${code.toString(16)})`)
  return new TransportError('broker-refused', `the broker ended the connection: ${refused.text}`, {
    hint: refused.hint,
  })
}

/** Mosquitto 2.0.11 says nothing to whom it throws out for another. */
const LOST = 'when this comes again and again: has another gateway the same mqtt.clientId?'

export function lostConnection(message: string): TransportError {
  return new TransportError('broker-unreachable', message, { hint: LOST })
}

export function connectError(error: Error): TransportError {
  const code = 'code' in error ? error.code : undefined
  const refused = typeof code === 'number' ? clientRefusal(code) : undefined
  if (refused)
    return new TransportError('broker-refused', `the broker refuses: ${refused.text}`, {
      hint: refused.hint,
      cause: error,
    })
  return new TransportError('broker-unreachable', `no connection to the broker: ${error.message || String(code)}`, {
    hint: hintFor(String(code)),
    cause: error,
  })
}

function hintFor(code: string): string {
  if (code === 'ECONNREFUSED') return 'is the broker running, and is the port in mqtt.url right?'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'the host name in mqtt.url cannot be resolved: check it and the DNS'
  if (/CERT|SSL|TLS|SELF_SIGNED|LEAF_SIGNATURE/.test(code))
    return 'the certificate of the broker is not trusted: check mqtt.tls.ca and the clock'
  return 'check mqtt.url and the network; punches are kept meanwhile'
}
