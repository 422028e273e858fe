/** Every reason code of CONNACK, PUBACK and DISCONNECT, side by side. */
import type { Finding, Row } from './fault.js'
import { runCode, type CodeFound } from './code-run.js'
import { CODE_CASES, type CodeCase } from './reason-codes.js'

export async function everyCode(folder: string): Promise<Finding> {
  const busy = CODE_CASES.filter(({ packet }) => packet === 'DISCONNECT')
  const [plain, answered] = await Promise.all([
    Promise.all(CODE_CASES.map((of) => runCode(of, folder))),
    Promise.all(busy.map((of) => runCode(of, folder, true))),
  ])
  const rows = (['CONNACK', 'PUBACK', 'DISCONNECT'] as const).map((packet) => rowOf(packet, plain))
  const again = rowOf('DISCONNECT', answered, 'busy')
  return { rows: [...rows, again], violations: [...plain, ...answered].flatMap(violationsOf) }
}

function rowOf(packet: CodeCase['packet'], all: readonly CodeFound[], busy = ''): Row {
  const found = all.filter(({ of }) => of.packet === packet)
  const worst = Math.max(...found.map(({ connectsAMinute }) => connectsAMinute))
  const dues = [...new Set(found.map(({ of }) => of.due))]
  const counts = dues.map((due) => `${found.filter(({ of }) => of.due === due).length} ${due}`).join(', ')
  const on = busy === '' ? '' : 'after a record was taken; '
  return [
    `${packet}${busy && ` ${busy}`}`,
    found.length,
    `reason codes; ${on}${counts}; at most ${worst} connects a minute`,
  ]
}

function violationsOf({ of, wrong }: CodeFound): string[] {
  return wrong.map((what) => `${of.packet} 0x${of.code.toString(16)} (${of.name}): ${what}`)
}
