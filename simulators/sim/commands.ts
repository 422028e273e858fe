/** Short commands of `sim up` as sentences of a timeline. */

export const HELP = [
  'tap gate-1 anna        anna taps (without a name: somebody); "tap gate-1 anna 5" five times',
  'hold gate-1 anna 3s    anna holds her card',
  'unplug gate-1          pull the cable; "plug gate-1" puts it back',
  'broker down            the broker goes away; "broker up" brings it back',
  'kill                   SIGKILL for the gateway, which starts again; "stop" and "start" by themselves',
  'pcscd down             pcscd goes away; "pcscd up", "pcscd restarts"',
  'quit                   end; so do Ctrl-C and the end of input',
  'Every sentence of a scenario works as well: 5s..25s 30 people tap gate-1',
] as const

export function sentenceOf(command: string): string {
  const [verb = '', reader = '', person = 'somebody', ...rest] = command.split(/\s+/)
  if (verb === 'tap') {
    const [times] = rest
    return `${person} taps ${reader}${times === undefined ? '' : ` ${times} times`}`.trimEnd()
  }
  if (verb === 'hold') return `${person} holds the card at ${reader} for ${rest[0] ?? '2s'}`
  if (['kill', 'stop', 'start'].includes(verb) && reader === '') return `${verb} daemon`
  return command
}
