/**
 * One reason code, answered for two minutes of the daemon's clock, then no more. Journal, outbox and publisher are the
 * real ones, wired as in the daemon; sixty of them run side by side in this process.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ParkedRecord } from '../../src/journal/journal.js'
import { fill } from '../../test/support/records.js'
import { connack, disconnect, puback, ScriptedBroker, type Script } from '../../test/support/scripted-broker.js'
import { mqttConfig, Sending } from '../../test/support/sending.js'
import { mostWithin } from './line-report.js'
import { eventually } from './line-run.js'
import type { CodeCase } from './reason-codes.js'
import { Received, type Arrived } from './received.js'

const SPEED = 20
const MINUTE_MS = 60_000 / SPEED
/** How long the code is answered. */
const FAULT_MS = 2 * MINUTE_MS
const RECORDS = 12
/** The one that a PUBACK refuses. */
const REFUSED_SEQ = 3
/** Doubling pauses from half a second; and those that begin with five. */
const USUAL_A_MINUTE = 10
const PATIENT_A_MINUTE = 5
const ARRIVE_MS = 20_000
/** An answer that leaves no time to think: so many connections a minute at most, since each brought a record away. */
const ANSWERED_A_MINUTE = 165

export interface CodeFound {
  readonly of: CodeCase
  readonly connectsAMinute: number
  readonly parked: readonly ParkedRecord[]
  readonly wrong: readonly string[]
}

/** `answered`: the broker takes a record on each connection before it ends it. */
export async function runCode(of: CodeCase, folder: string, answered = false): Promise<CodeFound> {
  const broker: ScriptedBroker = await ScriptedBroker.start(scriptOf(of, answered, () => broker))
  const received = new Received()
  broker.onTaken = (text) => received.take(JSON.parse(text) as Arrived)
  // Keys and anchor lie beside a journal: each has a folder of its own.
  const own = join(folder, `${of.packet}-${of.code.toString(16)}-${answered}`)
  mkdirSync(own, { recursive: true })
  const sending = new Sending(join(own, 'journal.db'), mqttConfig(broker.url), SPEED)
  const records = answered ? 20 * RECORDS : RECORDS
  fill(sending.journal, records)
  sending.outbox.appended()
  await sleep(FAULT_MS)
  const parkedNow = (): boolean => sending.journal.parked(1).length > 0
  // On a busy machine it takes longer until six connections were lost.
  if (maySetAside(of) && !answered) await eventually(parkedNow, ARRIVE_MS)
  const parked = sending.journal.parked(1_000)
  const connectsAMinute = mostWithin(broker.connects, MINUTE_MS)
  const during = { ...of, answered, parked, connectsAMinute, sending, received, records }
  const wrong = wrongDuring(during)
  const arrived = await mend(broker, sending, received)
  if (!arrived) wrong.push(`${sending.journal.lastSeq - received.received} records lost`)
  // Whoever was refused or set aside comes late; all others in order.
  if (of.packet !== 'PUBACK' && parked.length === 0 && received.disordered > 0)
    wrong.push(`${received.disordered} came after a later record`)
  if (received.renumbered > 0) wrong.push('a number came with two ids')
  await sending.close()
  sending.log.lines.length = 0
  await broker.close()
  return { of, connectsAMinute, parked, wrong }
}

/** The fault is over: a new connection, and a person sends what only a person sends. True when all of it arrived. */
async function mend(broker: ScriptedBroker, sending: Sending, received: Received): Promise<boolean> {
  broker.script = {}
  broker.cutAll()
  const deadline = performance.now() + ARRIVE_MS
  while (performance.now() < deadline) {
    const [parked] = sending.journal.parked(1)
    if (!parked && sending.done && received.received >= sending.journal.lastSeq) return true
    // The connection may be gone, or not be there yet.
    if (parked) await sending.outbox.retry(parked).catch(() => undefined)
    await sleep(20)
  }
  return false
}

function scriptOf({ packet, code }: CodeCase, answered: boolean, broker: () => ScriptedBroker): Script {
  switch (packet) {
    case 'CONNACK':
      return {
        connect: (guest) => {
          guest.send(connack(code))
          guest.end()
          return true
        },
      }
    case 'PUBACK':
      return {
        record: (guest, publish) => {
          const { seq } = JSON.parse(publish.payload.toString()) as Arrived
          if (seq !== REFUSED_SEQ) return false
          if (code >= 0x80) guest.send(puback(publish, code))
          else broker().take(guest, publish, code)
          return true
        },
      }
    case 'DISCONNECT':
      return {
        record: (guest) => {
          if (answered && guest.records === 1) return false
          guest.send(disconnect(code))
          guest.end()
          return true
        },
      }
  }
}

interface During extends CodeCase {
  readonly answered: boolean
  readonly parked: readonly ParkedRecord[]
  readonly connectsAMinute: number
  readonly sending: Sending
  readonly received: Received
  readonly records: number
}

function wrongDuring(during: During): string[] {
  const { due, packet, answered, parked, connectsAMinute, sending } = during
  const wrong: string[] = []
  const most =
    packet === 'DISCONNECT' && due === 'wait' ? PATIENT_A_MINUTE : answered ? ANSWERED_A_MINUTE : USUAL_A_MINUTE
  if (connectsAMinute > most) wrong.push(`${connectsAMinute} connects in a minute, more than ${most}`)
  if (packet === 'CONNACK' && connectsAMinute < 3) wrong.push('it did not try again')
  const mayPark = maySetAside(during)
  if (!mayPark && parked.length > 0) wrong.push(`${parked.length} innocent records were parked`)
  if (mayPark && !answered && parked.length === 0) wrong.push('nothing was parked')
  if (packet === 'PUBACK') wrong.push(...wrongWithPubacks(during))
  if (due === 'operator' && !tellsWhatToDo(sending)) wrong.push('the log does not say what to do')
  return wrong
}

/** The others must have got past it, unless it is to keep its place. */
function wrongWithPubacks(during: During): string[] {
  const { due, received, records, parked, sending } = during
  const others = due === 'taken' ? records : records - 1
  if (due === 'wait') return sending.outbox.waiting === 0 ? ['the refused record did not wait'] : []
  const wrong = received.received < others ? [`${others - received.received} others were held up`] : []
  if (maySetAside(during) && parked.some(({ seq }) => seq !== REFUSED_SEQ)) wrong.push('another record was parked')
  if (during.code === 0x10 && sending.publisher.unheard === 0 && sending.publisher.online)
    wrong.push('taken by nobody, and not counted')
  return wrong
}

function maySetAside({ due }: CodeCase): boolean {
  return due === 'park' || due === 'retry' || due === 'blame'
}

function tellsWhatToDo(sending: Sending): boolean {
  const lost = sending.log.lines.filter(({ fields }) => fields['event'] === 'broker-lost')
  return lost.some(({ fields }) => fields['code'] === 'broker-refused' && String(fields['hint']).length > 10)
}
