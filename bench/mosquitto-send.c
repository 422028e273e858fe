/* mosquitto-send FILE PORT TOPIC WINDOW COUNT: publishes COUNT messages, the lines of FILE in turn, with QoS 1 and WINDOW of
   them in flight, and nothing else; then prints what the programs of `drain` print about themselves. */
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static char **payloads;
static int lines, next, acknowledged, count, window;
static const char *topic;
static double begun, cpu, took;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static double cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void send_one(struct mosquitto *client) {
  if (next == count) return;
  const char *payload = payloads[next++ % lines];
  if (mosquitto_publish(client, NULL, topic, strlen(payload), payload, 1, false)) exit(74);
}

static void on_connect(struct mosquitto *client, void *data, int code) {
  if (code) exit(69);
  begun = now();
  cpu = cpu_us();
  for (int sent = 0; sent < window; sent++) send_one(client);
}

static void on_publish(struct mosquitto *client, void *data, int id) {
  if (++acknowledged < count) return send_one(client);
  took = now() - begun;
  cpu = cpu_us() - cpu;
  mosquitto_disconnect(client);
}

static void read_lines(const char *file) {
  FILE *input = fopen(file, "r");
  char *line = NULL;
  size_t size = 0;
  if (!input) exit(66);
  for (ssize_t length; (length = getline(&line, &size, input)) > 0;) {
    if (line[length - 1] == '\n') line[length - 1] = 0;
    payloads = realloc(payloads, (lines + 1) * sizeof *payloads);
    payloads[lines++] = strdup(line);
  }
  fclose(input);
}

/* Not ru_maxrss: across exec(2) that keeps what the process that started this one held. */
static long peak_rss_kb(void) {
  FILE *status = fopen("/proc/self/status", "r");
  char line[256];
  long kb = 0;
  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, "VmHWM: %ld", &kb) == 1) break;
  if (status) fclose(status);
  return kb;
}

int main(int argc, char **argv) {
  if (argc != 6) return 64;
  read_lines(argv[1]);
  topic = argv[3];
  window = atoi(argv[4]);
  count = atoi(argv[5]);
  mosquitto_lib_init();
  struct mosquitto *client = mosquitto_new(NULL, true, NULL);
  mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM, 65535);
  mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_connect_callback_set(client, on_connect);
  mosquitto_publish_callback_set(client, on_publish);
  if (mosquitto_connect(client, "127.0.0.1", atoi(argv[2]), 60)) return 69;
  mosquitto_loop_forever(client, -1, 1);
  printf("{\"acknowledged\":%d,\"ms\":%.3f,\"cpuUs\":%.0f,\"maxRssKb\":%ld}", acknowledged, took, cpu, peak_rss_kb());
  return acknowledged == count ? 0 : 74;
}
