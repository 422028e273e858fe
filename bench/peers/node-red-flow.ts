/** Two flows for Node-RED: what everybody draws first, and what one draws who has thought about outages. */
import { TOPIC } from './payload.js'

/** Rows that are sent at once and deleted together. */
const PACK = 500
const WIDE = 'CREATE TABLE IF NOT EXISTS waiting(id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)'

type FlowNode = Readonly<Record<string, unknown>>

/** What has no place on the tab counts as configuration. */
const DRAWN = { z: 'tab', x: 100, y: 100 }

function common(port: number): FlowNode[] {
  return [
    { id: 'tab', type: 'tab', label: 'peers' },
    {
      id: 'broker',
      type: 'mqtt-broker',
      broker: '127.0.0.1',
      port: String(port),
      clientid: 'peers-node-red',
      autoConnect: true,
      protocolVersion: '4',
      keepalive: '60',
      cleansession: false,
    },
    { id: 'in', type: 'http in', ...DRAWN, url: '/punch', method: 'post', wires: [['take']] },
    { id: 'answer', type: 'http response', ...DRAWN, statusCode: '200', wires: [] },
    { id: 'out', type: 'mqtt out', ...DRAWN, topic: TOPIC, qos: '1', broker: 'broker', wires: [] },
  ]
}

function code(id: string, func: string, ...wires: readonly string[][]): FlowNode {
  return { id, type: 'function', ...DRAWN, func, outputs: wires.length, wires }
}

/** HTTP in → mqtt out, and the answer. */
export function plainFlow(port: number): FlowNode[] {
  const take = `return [msg, { payload: JSON.stringify(msg.payload) }]`
  return [...common(port), code('take', take, ['answer'], ['out'])]
}

/** HTTP in → SQLite → answer; beside it SQLite → mqtt out while connected, and what is acknowledged is deleted. */
export function sqliteFlow(port: number, file: string): FlowNode[] {
  const sqlite = (id: string, how: FlowNode, wires: readonly string[][]): FlowNode => ({
    id,
    type: 'sqlite',
    ...DRAWN,
    mydb: 'db',
    ...how,
    wires,
  })
  const inject = (id: string, how: FlowNode, to: string): FlowNode => ({
    id,
    type: 'inject',
    ...DRAWN,
    props: [{ p: 'payload' }],
    ...how,
    wires: [[to]],
  })
  return [
    ...common(port),
    { id: 'db', type: 'sqlitedb', db: file, mode: 'RWC' },
    inject('once', { once: true, onceDelay: 0.1 }, 'schema'),
    code('schema', `msg.topic = 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; ${WIDE};'; return msg`, ['make']),
    sqlite('make', { sqlquery: 'batch' }, [['made']]),
    code('made', `flow.set('made', true); return msg`, ['gate']),
    code('take', 'msg.params = { $body: JSON.stringify(msg.payload) }; return msg', ['insert']),
    sqlite('insert', { sqlquery: 'prepared', sql: 'INSERT INTO waiting(body) VALUES ($body)' }, [['answer']]),
    inject('tick', { repeat: '1' }, 'gate'),
    { id: 'status', type: 'status', ...DRAWN, scope: ['out'], wires: [['connection']] },
    code('connection', connection, ['gate']),
    code(
      'gate',
      `if (!flow.get('made') || !flow.get('up') || flow.get('busy')) return null; flow.set('busy', true); return msg`,
      ['select'],
    ),
    sqlite('select', { sqlquery: 'fixed', sql: `SELECT id, body FROM waiting ORDER BY id LIMIT ${PACK}` }, [
      ['spread'],
    ]),
    code('spread', spread, ['out']),
    { id: 'complete', type: 'complete', ...DRAWN, scope: ['out'], wires: [['count']] },
    code('count', count, ['delete']),
    sqlite('delete', { sqlquery: 'prepared', sql: 'DELETE FROM waiting WHERE id <= $last' }, [['next']]),
    code('next', `flow.set('busy', false); return msg`, ['gate']),
  ]
}

/** What is in flight when the connection ends is sent again. */
const connection = `flow.set('up', msg.status.fill === 'green'); flow.set('busy', false); return msg`

const spread = `
const rows = msg.payload
if (rows.length === 0) { flow.set('busy', false); return null }
flow.set('left', rows.length)
flow.set('last', rows[rows.length - 1].id)
return [rows.map((row) => ({ payload: row.body }))]`

/** "mqtt out" completes a message with its PUBACK. */
const count = `
const left = flow.get('left') - 1
flow.set('left', left)
return left === 0 ? { params: { $last: flow.get('last') } } : null`
