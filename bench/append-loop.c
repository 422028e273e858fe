/* append-loop FILE BYTES MS: appends BYTES and calls fdatasync, again and again for MS milliseconds. The least that a
   durable append can cost on this disk. Prints how many nanoseconds each took. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 4) return 64;
  size_t bytes = strtoul(argv[2], NULL, 10);
  long long last = now() + atoll(argv[3]) * 1000000LL;
  char *record = malloc(bytes);
  static long long took[1 << 20];
  size_t count = 0;
  int fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0 || !record) return 74;
  memset(record, 'x', bytes);
  for (long long before = now(), after; before < last && count < sizeof took / sizeof *took; before = after) {
    if (write(fd, record, bytes) != (ssize_t)bytes || fdatasync(fd) != 0) return 74;
    after = now();
    took[count++] = after - before;
  }
  for (size_t index = 0; index < count; index++) printf("%lld\n", took[index]);
  return 0;
}
