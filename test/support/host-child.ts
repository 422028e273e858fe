/** A child for the tests of the host that misbehaves on request, as native packages do. */
import { emit, endWith, followParent, Refusal, serve } from '../../src/transport/host/child.js'

followParent('test')
if (process.env['HOST_TEST'] === 'deaf') spin()
serve(() => {
  if (process.env['HOST_TEST'] === 'stuck') spin()
  return answer
})

async function answer(verb: string, body: unknown): Promise<unknown> {
  if (verb === 'echo') return body
  if (verb === 'emit') return emit(body)
  if (verb === 'refuse') throw new Refusal({ code: 'device-refused', message: 'no', hint: 'ask again' })
  if (verb === 'hang') return new Promise(() => undefined)
  if (verb === 'spin') spin()
  if (verb === 'abort') process.abort()
  if (verb === 'bug') throw new TypeError('a bug')
  if (verb === 'fatal')
    return endWith({ code: 'transport-unavailable', message: 'the service is gone', hint: 'start it' })
  if (verb === 'leak') return leak()
  throw new Refusal({ code: 'protocol-broken', message: verb })
}

function spin(): never {
  for (;;);
}

function leak(): never {
  const kept: object[] = []
  for (;;) kept.push({ kept: new Array<number>(1_000).fill(kept.length) })
}
