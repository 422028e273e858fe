/** Sends what push terminals say over a real network. */
import { request } from 'node:http'
import type { PushSend } from './zk-push.js'

const TIMEOUT_MS = 30_000

/** Makes a sender to `base`, `http://127.0.0.1:8090`. */
export function httpSender(base: string): PushSend {
  return (method, url, body) =>
    new Promise((resolve, reject) => {
      const headers =
        body === undefined ? {} : { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body) }
      // Old firmware closes the connection after each request. [ZKPUSH §1]
      const sending = request(new URL(url, base), { method, headers, agent: false, timeout: TIMEOUT_MS }, (answer) => {
        const pieces: Buffer[] = []
        answer.on('data', (piece: Buffer) => pieces.push(piece))
        answer.on('error', reject)
        answer.on('end', () => {
          const date = Date.parse(answer.headers.date ?? '')
          const text = Buffer.concat(pieces).toString('latin1')
          resolve({ status: answer.statusCode ?? 0, body: text, ...(Number.isNaN(date) ? {} : { date }) })
        })
      })
      sending.on('timeout', () => sending.destroy(new Error('no answer')))
      sending.on('error', reject)
      sending.end(body)
    })
}
