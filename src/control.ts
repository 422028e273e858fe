/** The control socket: how verbs talk to the running daemon. One JSON request a line, one JSON answer a line. */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { DaemonError, messageOf } from './errors.js'

/** Everything a verb may ask, with its answer. `enroll` and `identify` join with the drivers that can. */
export interface ControlVerbs {
  readonly readers: { readonly args: undefined; readonly answer: readonly ReaderLine[] }
  readonly status: { readonly args: undefined; readonly answer: StatusLine }
  readonly retry: { readonly args: { readonly id: string }; readonly answer: { readonly delivered: true } }
}
export type ControlVerb = keyof ControlVerbs

export interface ReaderLine {
  readonly id: string
  readonly name: string
  readonly driver: string
  readonly state: string
  readonly since: string
  readonly code?: string | undefined
  readonly hint?: string | undefined
  readonly lastGoodRead: string | null
  readonly model?: string | undefined
}

export interface StatusLine {
  readonly pid: number
  readonly journal: string
  readonly lastSeq: number
  readonly settled: number
  readonly backlog: number
  readonly parked: number
  readonly broker: {
    readonly online: boolean
    readonly trouble?: string | undefined
    readonly hint?: string | undefined
  }
}

export type ControlRequest = { readonly verb: string; readonly args?: unknown }
export type ControlAnswer =
  | { readonly status: 'ok'; readonly data: unknown }
  | {
      readonly status: 'error'
      readonly error: { readonly code: string; readonly message: string; readonly hint?: string | undefined }
    }

export type ControlActions = {
  readonly [Verb in ControlVerb]: (args: ControlVerbs[Verb]['args']) => Promise<ControlVerbs[Verb]['answer']>
}

/** A request longer than this is no request of ours. */
const MAX_LINE = 16 * 1024

export class ControlServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** Listens on `path`; whoever may write to the socket file (its group) may ask. The directory lock is held. */
  static async listen(path: string, actions: ControlActions): Promise<ControlServer> {
    rmSync(path, { force: true })
    const server = createServer()
    const control = new ControlServer(server)
    server.on('connection', (socket) => control.#serve(socket, actions))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
    chmodSync(path, 0o660)
    return control
  }

  #serve(socket: Socket, actions: ControlActions): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let unread = 0
    socket.on('data', (chunk) => {
      unread = chunk.includes(10) ? 0 : unread + chunk.length
      if (unread > MAX_LINE) socket.destroy()
    })
    createInterface({ input: socket }).on('line', (line) => {
      void answerTo(line, actions).then((answer) => socket.write(`${JSON.stringify(answer)}\n`))
    })
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

async function answerTo(line: string, actions: ControlActions): Promise<ControlAnswer> {
  try {
    const { verb, args } = JSON.parse(line) as ControlRequest
    return { status: 'ok', data: await perform(verb, args, actions) }
  } catch (error) {
    const { code, hint } = error instanceof DaemonError ? error : { code: 'usage', hint: undefined }
    return { status: 'error', error: { code, message: messageOf(error), hint } }
  }
}

function perform(verb: string, args: unknown, actions: ControlActions): Promise<unknown> {
  switch (verb) {
    case 'readers':
      return actions.readers(undefined)
    case 'status':
      return actions.status(undefined)
    case 'retry': {
      const id = typeof args === 'object' && args !== null && 'id' in args ? args.id : undefined
      if (typeof id !== 'string') throw new DaemonError('usage', 'retry needs the id of a parked record')
      return actions.retry({ id })
    }
    default:
      throw new DaemonError('usage', `the daemon knows no request "${verb}"`)
  }
}
