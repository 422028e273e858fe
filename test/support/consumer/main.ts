/** The consumer as a program: `node main.js '{"url":…,"file":…}'`. SIGTERM ends it in good order. */
import { Consumer, type ConsumerOptions } from './consumer.js'

/** `dieAt`: as by a power cut, between commit and receipt, at so many receipts. `loseEvery`: so many receipts get lost. */
interface Trials {
  readonly dieAt?: number
  readonly loseEvery?: number
}

const given = JSON.parse(process.argv[2] ?? '{}') as Partial<ConsumerOptions> & Trials
let receipts = 0
const beforeReceipt = (): boolean => {
  receipts += 1
  if (receipts === given.dieAt) process.kill(process.pid, 'SIGKILL')
  return given.loseEvery === undefined || receipts % given.loseEvery !== 0
}
const consumer = new Consumer({
  url: 'mqtt://127.0.0.1:1883',
  file: 'consumer.db',
  clientId: 'reference-consumer',
  protocol: 5,
  lookEveryMs: 10_000,
  ...given,
  beforeReceipt,
})
process.once('SIGTERM', () => void consumer.close())
