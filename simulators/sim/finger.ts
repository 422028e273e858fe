/** `punchd sim finger`: one fingerprint module to play with; the lines typed are the fingers placed on it. */
import { createInterface } from 'node:readline'
import { SystemClock } from '../../src/clock.js'
import { print, type VerbContext } from '../../src/verbs/verb.js'
import { tcpLine } from '../tcp-line.js'
import { Zfm } from '../zfm.js'

const HELP = `Type a name to place that finger, "faint NAME" for one that reads badly, an empty line to lift it.
"slots" lists what is enrolled, "pull" and "plug" are the cable, Ctrl-C ends.`
const LIGHTS: Readonly<Record<string, string>> = {
  '3502300401': 'green',
  '3502180402': 'green twice',
  '3501600101': 'red, long',
  '3502180103': 'red three times',
  '3501600200': 'blue, breathing',
  '3504000000': 'dark',
}

/** Until Ctrl-C, or the end of stdin. */
export async function playFinger(port: number | undefined, { out, stop }: VerbContext): Promise<void> {
  const line = await tcpLine(port)
  const clock = new SystemClock()
  const module = new Zfm({ clock, line })
  print(
    out,
    `A simulated R503 listens. In the configuration:\n\n  - { id: finger, driver: zfm, transport: "${line.url}", sim: true }\n`,
  )
  print(out, HELP)
  const lights = setInterval(() => {
    for (const light of module.lights.splice(0)) print(out, `light: ${LIGHTS[light] ?? light}`)
  }, 50)
  const lines = createInterface({ input: process.stdin })
  stop.addEventListener('abort', () => lines.close(), { once: true })
  for await (const typed of lines) {
    const answer = await obey(typed.trim(), module, line)
    if (answer !== '') print(out, answer)
  }
  clearInterval(lights)
  await line.close()
}

async function obey(typed: string, module: Zfm, line: { unplug(): unknown; plug(): Promise<void> }): Promise<string> {
  if (typed === '') {
    module.lift()
    return 'lifted'
  }
  if (typed === 'slots')
    return [...module.slots].map(([slot, name]) => `${slot}: ${name}`).join('\n') || 'none enrolled'
  if (typed === 'pull') {
    await line.unplug()
    return 'the cable is out'
  }
  if (typed === 'plug') {
    await line.plug()
    return 'the cable is in'
  }
  const [, faint, name = ''] = /^(faint )?(.*)$/.exec(typed) ?? []
  module.place(name, faint === undefined ? 'good' : 'faint')
  return `${name} lies on the sensor`
}
