/* sqlite-append FILE BODY: for each line `MS` on its input, commits rows like those of a punch, BODY bytes of evidence in
   each, one row per commit, WAL and synchronous=FULL, for MS milliseconds; then prints how many nanoseconds each took, and
   an empty line. The least that SQLite can cost without us. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *TABLE =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON;"
    "CREATE TABLE IF NOT EXISTS record(seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, channel TEXT NOT NULL,"
    " wall INTEGER NOT NULL, id BLOB NOT NULL, body BLOB, prev_hash BLOB NOT NULL, hash BLOB NOT NULL, sig BLOB NOT NULL,"
    " commitment BLOB) STRICT";
static const char *INSERT =
    "INSERT INTO record(seq, kind, channel, wall, id, body, prev_hash, hash, sig) VALUES (?, 'punch', 'gate-north', ?, ?, ?,"
    " ?, ?, ?)";

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  int size = atoi(argv[2]);
  char *body = malloc(size), proof[64], line[32];
  static long long took[1 << 20];
  sqlite3 *db;
  sqlite3_stmt *insert;
  if (!body || sqlite3_open(argv[1], &db) || sqlite3_exec(db, TABLE, 0, 0, 0) || sqlite3_prepare_v2(db, INSERT, -1, &insert, 0))
    return 74;
  memset(body, 'x', size);
  memset(proof, 'p', sizeof proof);
  for (long long seq = 0; fgets(line, sizeof line, stdin);) {
    long long before = now(), last = before + atoll(line) * 1000000LL, after;
    size_t count = 0;
    for (; before < last && count < sizeof took / sizeof *took; before = after) {
      sqlite3_bind_int64(insert, 1, ++seq);
      sqlite3_bind_int64(insert, 2, time(NULL) * 1000LL);
      sqlite3_bind_blob(insert, 3, proof, 16, SQLITE_STATIC);
      sqlite3_bind_blob(insert, 4, body, size, SQLITE_STATIC);
      sqlite3_bind_blob(insert, 5, proof, 32, SQLITE_STATIC);
      sqlite3_bind_blob(insert, 6, proof, 32, SQLITE_STATIC);
      sqlite3_bind_blob(insert, 7, proof, 64, SQLITE_STATIC);
      if (sqlite3_step(insert) != SQLITE_DONE || sqlite3_reset(insert)) return 74;
      after = now();
      took[count++] = after - before;
    }
    for (size_t index = 0; index < count; index++) printf("%lld\n", took[index]);
    printf("\n");
    fflush(stdout);
  }
  sqlite3_finalize(insert);
  return sqlite3_close(db) ? 74 : 0;
}
