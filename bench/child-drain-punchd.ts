/**
 * Empties a journal into a broker with the daemon's own parts: `child-drain-punchd run FILE PORT`. Starts as small as
 * the daemon does (`run` makes it so), and lets go of that as the daemon does when it finds a backlog.
 */
import { releaseStart } from '../src/start.js'
import type { Outbox } from '../src/outbox.js'
import type { Sent } from './drain.js'

const { SystemClock } = await import('../src/clock.js')
const { JournalThread } = await import('../src/journal/client.js')
const { createLogger } = await import('../src/log.js')
const { MqttPublisher } = await import('../src/mqtt/publisher.js')
const { Outbox: RealOutbox } = await import('../src/outbox.js')
const { mqttConfig, threadOptions, TOPICS } = await import('./fixture.js')
const { peakRssKb, writtenBy } = await import('./proc.js')

/** Looking costs nothing, and the error is a thousandth. */
const LOOK_MS = 1

const [file = '', port = ''] = process.argv.slice(3)
const clock = new SystemClock()
const log = createLogger('warn')
const { thread, state } = await JournalThread.open(threadOptions(file))
const stop = new AbortController()
releaseStart()

const written = writtenBy('self')
let begun = 0
let cpu = process.cpuUsage()
const publisher = new MqttPublisher({
  config: mqttConfig(Number(port)),
  topics: TOPICS,
  clock,
  log,
  onOnline: () => {
    cpu = process.cpuUsage()
    begun = performance.now()
    outbox.online()
  },
  onOffline: (deaf) => outbox.offline(deaf),
})
const outbox: Outbox = new RealOutbox({ journal: thread, publisher, clock, log, settled: state.settled })
const publishing = publisher.run(stop.signal)
await new Promise<void>((resolve) => {
  const looking = setInterval(() => {
    if (outbox.settled < state.lastSeq) return
    clearInterval(looking)
    resolve()
  }, LOOK_MS)
})
const ms = performance.now() - begun
const { user, system } = process.cpuUsage(cpu)
const { parked } = await thread.state()
stop.abort()
await publishing
await outbox.stop()
await thread.close()
const acknowledged = state.lastSeq - state.settled - parked
const cost = { cpuUs: user + system, maxRssKb: peakRssKb(), written: writtenBy('self') - written }
const sent: Sent = { acknowledged, ms, ...cost }
process.stdout.write(JSON.stringify(sent))
