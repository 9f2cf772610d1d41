// An innocent client beside an attack: pings the daemon and the echo server in turn, once a
// millisecond, and says at the end how long they took.
//
//   bystander DAEMON_SOCKET ECHO_SOCKET
//
// Both get frames of the same length. Ends with standard input; then prints, in microseconds,
//   rounds=N daemon_p50= daemon_p99= daemon_max= echo_p50= echo_p99= echo_max=

#define _GNU_SOURCE
#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PREFIX = 16, ROUNDS_MAX = 1 << 22 };

static const char *HELLO =
    "{\"op\":\"hello\",\"seq\":1,\"namespace\":\"default\",\"client\":\"bystander/1\"}";
static const char *PING = "{\"op\":\"ping\",\"seq\":2}";

static void check(int ok, const char *call) {
  if (!ok) {
    perror(call);
    exit(1);
  }
}

static int connected(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(fd >= 0, "socket");
  check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
  return fd;
}

static void read_whole(int fd, char *bytes, size_t n) {
  for (size_t done = 0; done < n;) {
    ssize_t got = read(fd, bytes + done, n - done);
    check(got > 0, "the server ended the connection: read");
    done += got;
  }
}

static size_t framed(char *bytes, const char *head) {
  uint32_t length = htole32(strlen(head));
  memset(bytes, 0, PREFIX);
  memcpy(bytes, "SB\1\0", 4);
  memcpy(bytes + 4, &length, 4);
  memcpy(bytes + PREFIX, head, strlen(head));
  return PREFIX + strlen(head);
}

// Sends a frame and reads one; its length is believed, the servers are not under attack by us.
static void exchange(int fd, const char *bytes, size_t n) {
  char reply[4096] = {0};
  uint32_t length;
  check(write(fd, bytes, n) == (ssize_t)n, "write");
  read_whole(fd, reply, PREFIX);
  memcpy(&length, reply + 4, 4);
  check(le32toh(length) < sizeof reply - PREFIX, "reply too long");
  read_whole(fd, reply + PREFIX, le32toh(length));
  if (strstr(reply + PREFIX, "\"error\"")) {
    fprintf(stderr, "the daemon refused: %s\n", reply + PREFIX);
    exit(1);
  }
}

static uint32_t microseconds(int fd, const char *bytes, size_t n) {
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  exchange(fd, bytes, n);
  clock_gettime(CLOCK_MONOTONIC, &to);
  return (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void report(const char *who, uint32_t *times, size_t n) {
  qsort(times, n, sizeof *times, by_size);
  printf(" %s_p50=%u %s_p99=%u %s_max=%u", who, times[n / 2], who, times[n * 99 / 100], who, times[n - 1]);
}

int main(int argc, char **argv) {
  check(argc == 3, "usage: bystander DAEMON_SOCKET ECHO_SOCKET");
  static uint32_t daemon_times[ROUNDS_MAX], echo_times[ROUNDS_MAX];
  char hello[256], ping[256];
  size_t hello_bytes = framed(hello, HELLO), ping_bytes = framed(ping, PING), rounds = 0;
  int to_daemon = connected(argv[1]), to_echo = connected(argv[2]);
  exchange(to_daemon, hello, hello_bytes);
  printf("ready\n");
  fflush(stdout);
  struct pollfd input = {.fd = 0, .events = POLLIN};
  while (rounds < ROUNDS_MAX && (rounds == 0 || poll(&input, 1, 1) == 0)) {
    daemon_times[rounds] = microseconds(to_daemon, ping, ping_bytes);
    echo_times[rounds] = microseconds(to_echo, ping, ping_bytes);
    rounds++;
  }
  printf("rounds=%zu", rounds);
  report("daemon", daemon_times, rounds);
  report("echo", echo_times, rounds);
  printf("\n");
  return 0;
}
