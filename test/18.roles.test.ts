/** Roles: who sees whom. */
import assert from 'node:assert/strict'
import {
  ACTIONS,
  auditOfView,
  decide,
  PERSONAL_FIELDS,
  ROLES,
  shownOf,
  type Asker,
  type Subject,
} from '../src/roles.js'

const OWN: Subject = { site: 'hq', person: '1042', department: 'Engines' }
const FOREIGN: Subject = { site: 'yard', person: '7', department: 'Kitchen' }
const ASKERS: Record<(typeof ROLES)[number], Asker> = {
  viewer: { role: 'viewer', id: 'v' },
  operator: { role: 'operator', id: 'o', sites: ['hq'] },
  manager: { role: 'manager', id: 'm', departments: ['Engines'] },
  admin: { role: 'admin', id: 'a' },
}
const RECORD = {
  id: 'x',
  time: 't',
  person: { ref: '1042' },
  credential: { value: 'AA' },
  raw: { card: 1 },
  claim: { late: true, record: 'user 17' },
}

describe('roles', () => {
  const may = (own: Subject): string[] =>
    ROLES.flatMap((role) => ACTIONS.filter((action) => decide(ASKERS[role], action, own).allowed).map((action) => `${role} ${action}`)) // prettier-ignore

  it('allow what the table says, and no more', () => {
    const admin = ACTIONS.map((action) => `admin ${action}`)
    const states = ['viewer see-state', 'viewer see-records', 'operator see-state']
    assert.deepEqual(may(OWN), [...states, 'operator see-records', 'operator see-person', 'manager see-state', 'manager see-records', 'manager see-person', ...admin]) // prettier-ignore
    assert.deepEqual(may(FOREIGN), [...states, 'manager see-state', ...admin])
  })

  it('let nobody edit a record: there is no such action', () => {
    assert.ok(ACTIONS.every((action) => !/edit|delete|record-change/.test(action)))
  })

  it('give a manager or operator of nothing nothing', () => {
    for (const asker of [
      { role: 'manager', id: 'm', departments: [''] },
      { role: 'operator', id: 'o' },
    ] as const) {
      assert.ok(!decide(asker, 'see-records', { department: '' }).allowed)
      assert.ok(!decide(asker, 'see-records', {}).allowed)
      assert.ok(!decide(asker, 'see-records', { site: 'hq', department: 'Engines' }).allowed)
    }
  })

  it('show a viewer nobody, others no card numbers, an admin everything', () => {
    const seen = (role: (typeof ROLES)[number]) => shownOf(RECORD, decide(ASKERS[role], 'see-records', OWN))
    const nobody = { ...RECORD, person: null, credential: null, raw: null, claim: { late: true, record: null } }
    assert.deepEqual(seen('viewer'), nobody)
    assert.deepEqual(seen('operator'), { ...nobody, person: RECORD.person })
    assert.deepEqual(seen('manager'), { ...nobody, person: RECORD.person })
    assert.deepEqual(seen('admin'), RECORD)
    assert.deepEqual(shownOf({ id: 'x' }, decide(ASKERS.viewer, 'see-records')), { id: 'x' })
    assert.deepEqual([...PERSONAL_FIELDS].sort(), ['credential', 'department', 'detail', 'name', 'person', 'raw', 'subject']) // prettier-ignore
  })

  it('put a look at the records of another on record, and none at one’s own', () => {
    const audited = (asker: Asker, subject: Subject) => decide(asker, 'see-person', subject).audited
    assert.ok(audited(ASKERS.admin, OWN) && audited(ASKERS.manager, OWN) && audited(ASKERS.operator, OWN))
    assert.ok(!audited({ ...ASKERS.manager, ref: '1042' }, OWN))
    assert.ok(!audited(ASKERS.manager, FOREIGN), 'what is denied shows nothing')
    assert.ok(!decide(ASKERS.viewer, 'see-records', OWN).audited, 'nor does a record without a person')
    assert.deepEqual(auditOfView(ASKERS.admin, '1042', 'punches'), {
      type: 'person-viewed',
      subject: '1042',
      detail: { by: 'a', role: 'admin', what: 'punches' },
    })
  })
})
