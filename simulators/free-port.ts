/**
 * Ports that stay free while their owner is away: a broker that is killed, a cable that is pulled. The
 * system gives those from 32768 on to whoever asks for any, so one of those may be gone when the owner comes back.
 */
import { createServer } from 'node:net'

const FROM = 12_000
const TO = 32_000

/** Two programs that look at the same time begin at different places, and neither is given a port twice. */
let next = FROM + Math.floor(Math.random() * (TO - FROM))

/** The first of `count` neighbouring ports on which nobody listens. */
export async function freePort(count = 1): Promise<number> {
  for (let tries = 0; tries < TO - FROM; tries++) {
    const port = next
    const after = port + count
    next = after >= TO ? FROM : after
    if (after <= TO && (await areFree(port, count))) return port
  }
  throw new Error(`every port from ${FROM} to ${TO} is taken`)
}

async function areFree(port: number, count: number): Promise<boolean> {
  for (let at = port; at < port + count; at++) if (!(await isFree(at))) return false
  return true
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}
