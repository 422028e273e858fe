/**
 * One reason code, answered for two minutes of the daemon's clock, then no more. Journal, outbox and publisher are the
 * real ones, wired as in the daemon; sixty of them run side by side in this process.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ParkedRecord } from '../../src/journal/journal.js'
import { connack, disconnect, puback, type Script } from '../../test/support/scripted-broker.js'
import { eventually } from './line-run.js'
import type { CodeCase } from './reason-codes.js'
import type { Arrived } from './received.js'
import { ARRIVE_MS, MINUTE_MS, ScriptedRig, USUAL_A_MINUTE } from './scripted-rig.js'

/** How long the code is answered. */
const FAULT_MS = 2 * MINUTE_MS
const RECORDS = 12
/** The one that a PUBACK refuses. */
const REFUSED_SEQ = 3
/** With pauses that begin at five seconds. */
const PATIENT_A_MINUTE = 5
/** Where each connection brings a record away, pauses grow to five seconds. */
const ANSWERED_A_MINUTE = 20

export interface CodeFound {
  readonly of: CodeCase
  readonly connectsAMinute: number
  readonly parked: readonly ParkedRecord[]
  readonly wrong: readonly string[]
}

/** `answered`: the broker takes a record on each connection before it ends it. */
export async function runCode(of: CodeCase, folder: string, answered = false): Promise<CodeFound> {
  const own = join(folder, `${of.packet}-${of.code.toString(16)}-${answered}`)
  const records = answered ? 20 * RECORDS : RECORDS
  const rig = await ScriptedRig.start(own, (made) => scriptOf(of, answered, made), records)
  const { sending, received } = rig
  await sleep(FAULT_MS)
  const parkedNow = (): boolean => sending.journal.parked(1).length > 0
  // On a busy machine it takes longer until six connections were lost.
  if (maySetAside(of) && !answered) await eventually(parkedNow, ARRIVE_MS)
  const parked = sending.journal.parked(1_000)
  const { connectsAMinute } = rig
  const wrong = wrongDuring({ ...of, answered, parked, connectsAMinute, rig, records })
  wrong.push(...(await rig.mend()))
  // Whoever was refused or set aside comes late; all others in order.
  if (of.packet !== 'PUBACK' && !rig.everParked && received.disordered > 0)
    wrong.push(`${received.disordered} came after a later record`)
  await rig.close()
  return { of, connectsAMinute, parked, wrong }
}

function scriptOf({ packet, code }: CodeCase, answered: boolean, { broker }: ScriptedRig): Script {
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
          else broker.take(guest, publish, code)
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
  readonly rig: ScriptedRig
  readonly records: number
}

function wrongDuring(during: During): string[] {
  const { due, packet, answered, parked, connectsAMinute, rig } = during
  const wrong: string[] = []
  const most =
    packet === 'DISCONNECT' && due === 'wait' ? PATIENT_A_MINUTE : answered ? ANSWERED_A_MINUTE : USUAL_A_MINUTE
  if (connectsAMinute > most) wrong.push(`${connectsAMinute} connects in a minute, more than ${most}`)
  if (packet === 'CONNACK' && connectsAMinute < 3) wrong.push('it did not try again')
  const mayPark = maySetAside(during)
  if (!mayPark && parked.length > 0) wrong.push(`${parked.length} innocent records were parked`)
  if (mayPark && !answered && parked.length === 0) wrong.push('nothing was parked')
  if (packet === 'PUBACK') wrong.push(...wrongWithPubacks(during))
  if (due === 'operator' && !tellsWhatToDo(rig)) wrong.push('the log does not say what to do')
  return wrong
}

/** The others must have got past it, unless it is to keep its place. */
function wrongWithPubacks(during: During): string[] {
  const { due, records, parked } = during
  const { received, sending } = during.rig
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

function tellsWhatToDo({ sending }: ScriptedRig): boolean {
  const lost = sending.log.lines.filter(({ fields }) => fields['event'] === 'broker-lost')
  return lost.some(({ fields }) => fields['code'] === 'broker-refused' && String(fields['hint']).length > 10)
}
