/** Which request of a terminal means what. [ZKPUSH §1, §7] */
import type { HttpReply, HttpRequest } from '../../src/driver.js'
import type { Strangers } from './strangers.js'
import { accessOptions, accessTime, registryCode } from './access.js'
import { OK } from './records.js'
import type { Terminal } from './terminal.js'

type Route = (request: HttpRequest, terminal: Terminal, strangers: Strangers) => HttpReply | Promise<HttpReply>

/** Nothing of it is kept: pictures, pings, tables of access control that somebody asked for. */
const taken: Route = () => OK

const ROUTES: Readonly<Record<string, Route>> = {
  cdata: (request, terminal, strangers) =>
    request.method === 'POST' ? table(request, terminal) : greet(request, terminal, strangers),
  getrequest: (_, terminal) => terminal.fetch(),
  devicecmd: (request, terminal) => terminal.takeResults(request),
  registry: register,
  push: (_, terminal) => accessOptions(terminal.serial, terminal.delayS),
  rtdata: (request, terminal) => (request.query['type'] === 'time' ? accessTime(request, terminal.zoneMinutes) : OK),
  fdata: taken,
  ping: taken,
  querydata: taken,
  exchange: taken,
}

/** Upper case and lower case are one to terminals and servers of the field; some old ones add `.aspx`. */
export async function route(request: HttpRequest, terminal: Terminal, strangers: Strangers): Promise<HttpReply> {
  const name = request.path
    .toLowerCase()
    .replace(/\/+$/, '')
    .slice('/iclock/'.length)
    .replace(/\.aspx$/, '')
  const found = Object.hasOwn(ROUTES, name) ? ROUTES[name] : undefined
  return found ? await found(request, terminal, strangers) : { status: 404 }
}

function greet(request: HttpRequest, terminal: Terminal, strangers: Strangers): HttpReply | Promise<HttpReply> {
  const { query } = request
  if (!terminal.isTrusted(request)) return strangers.refuse(request, 'key')
  // Access control registers first; attendance terminals may announce the same version. [ZKPUSH §7]
  if (query['devicetype']?.toLowerCase() === 'acc') return OK
  // It asks about a person it does not know: so do we not.
  return query['options'] === undefined && query['table'] !== undefined ? OK : terminal.greet()
}

async function table(request: HttpRequest, terminal: Terminal): Promise<HttpReply> {
  const name = request.query['table'] ?? ''
  switch (name.toLowerCase()) {
    case 'attlog':
      return terminal.records.takeAttendance(request)
    case 'operlog':
      return terminal.records.takeOperations(request)
    case 'rtlog':
      return terminal.records.takeDoorEvents(request)
    default:
      return terminal.takeOther(name.toLowerCase(), request)
  }
}

function register(request: HttpRequest, terminal: Terminal, strangers: Strangers): Promise<HttpReply> | HttpReply {
  if (!terminal.isTrusted(request)) return strangers.refuse(request, 'key')
  terminal.takeOther('options', request)
  // Exactly 23 bytes: a bare OK makes the terminal register for ever. [ZKPUSH §7]
  return { status: 200, body: `RegistryCode=${registryCode(terminal.serial)}` }
}
