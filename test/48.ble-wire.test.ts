/** What the transport `ble:` and its child tell each other, and how faults are put into words. Without a child. */
import { strict as assert } from 'node:assert'
import { bleFault, stateFault } from '../src/transport/host/ble-faults.js'
import { parseAdvert, parseNews, parseOrders } from '../src/transport/host/ble-wire.js'

describe('the wire of ble:', () => {
  it('believes its child nothing that does not look right', () => {
    assert.equal(parseOrders(undefined), undefined)
    assert.equal(parseOrders('{"adapter":0}'), undefined)
    for (const news of [1, {}, { kind: 'adverts' }, { kind: 'adverts', adverts: [], malformed: '1' }, { kind: 'stale' }]) assert.equal(parseNews(news), undefined) // prettier-ignore
    const good = { a: 'C01122334401', r: true, s: -5, d: [], u: [] }
    assert.equal(parseAdvert(good)?.address, 'C01122334401')
    for (const wrong of [{ a: 'c0' }, { s: 'x' }, { d: 1 }, { u: undefined }]) assert.equal(parseAdvert({ ...good, ...wrong }), undefined) // prettier-ignore
    const odd = parseAdvert({ ...good, m: 'xy', d: [['zz', '00'], ['feaa', 'x'], 3], u: ['a18', 7] }) // prettier-ignore
    assert.deepEqual([odd?.manufacturerData, odd?.serviceData, odd?.serviceUuids], [undefined, [], []])
  })
  it('has words for an error that nobody knows, and none for a state that is no fault', () => {
    assert.deepEqual(bleFault('EIO, oops, bind\n at x', 3, 'abandonware'), { code: 'transport-lost', message: 'hci3 failed: EIO, oops, bind' }) // prettier-ignore
    assert.equal(stateFault('resetting', 0, true), undefined)
  })
})
