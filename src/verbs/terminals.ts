/** `punchd readers set-time|reboot|add-user|remove-user`: what terminals that keep people themselves can be asked. */
import type { RequestFacts, RequestKind } from '../requests.js'
import { asked } from './enroll.js'
import { common, print, requireConfig, type CommonOptions, type Verb, type VerbContext } from './verb.js'

type Program = Parameters<Verb>[0]

interface UserOptions extends CommonOptions {
  readonly name?: string
  readonly card?: string
}

export const terminals: Verb = (program, context) => {
  ask(program.command('set-time').description('make a terminal take our time'), context, 'set-time', (reader) => `${reader} takes our time.`) // prettier-ignore
  ask(program.command('reboot').description('restart a terminal'), context, 'reboot', (reader) => `${reader} restarts.`)
  const add = program.command('add-user').description('tell a terminal about a person')
  add.option('--name <name>', 'what its screen shows').option('--card <hex>', 'number of the card, as punchd shows it')
  ask(add, context, 'add-user', (reader, user) => `${reader} knows user ${user}.`)
  const remove = program.command('remove-user').description('make a terminal forget a person')
  ask(remove, context, 'remove-user', (reader, user) => `${reader} has forgotten user ${user}.`)
}

/** One command with its arguments; `told` is what people read when it is done. */
function ask(
  command: Program,
  context: VerbContext,
  kind: RequestKind,
  told: (reader: string, user: string) => string,
): void {
  common(command.argument('<reader>', 'id of the reader or point'))
  const takesUser = kind.endsWith('-user')
  if (takesUser) command.argument('<user>', 'number of the person at that terminal')
  command.action(async (...given: unknown[]) => {
    const [reader, user] = given.map(String)
    const self = given.at(-1) as Program // What commander hands to every action.
    const options = self.optsWithGlobals<UserOptions>()
    const config = await requireConfig(options, context)
    const { name, card } = options
    const facts: RequestFacts = {
      ...(takesUser && { user: user ?? '' }),
      ...(name !== undefined && { name }),
      ...(card !== undefined && { card: card.toUpperCase() }),
    }
    const result = await asked(config, reader ?? '', kind, facts, options, context)
    print(context.out, options.json ? JSON.stringify({ step: 'done', ...result }) : told(reader ?? '', user ?? ''))
  })
}
