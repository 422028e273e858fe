/** `punchd version`. */
import { common, print, type CommonOptions, type Verb } from './verb.js'

export const version: Verb = (program, context) => {
  common(program.command('version').description('print the versions')).action((options: CommonOptions) => {
    const facts = { version: context.version, node: process.versions.node, schemas: ['punch/1', 'audit/1'], config: 1 }
    print(context.out, options.json ? JSON.stringify(facts) : `punchd ${facts.version}, Node ${facts.node}`)
  })
}
