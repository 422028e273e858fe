/** The tables of the people list and of what rules remember. Since format 3. */

/** `policy_state`: what rules remember of a person, or of a credential of nobody; see policy-states. */
export const PEOPLE_TABLES = `
  CREATE TABLE person(ref TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE credential(
    lookup BLOB PRIMARY KEY,
    ref TEXT NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX credential_ref ON credential(ref);
  CREATE TABLE policy_state(
    key BLOB PRIMARY KEY,
    ref TEXT,
    waits INTEGER NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
`
