// The floor: sends back what it reads, on a Unix stream socket, from one thread with poll(2).
//
//   echo PATH
//
// What a bystander's ping of the daemon is compared with: the same bytes over the same kind of
// socket, on the same machine under the same load, with no work between. Ends with standard input.

#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 16 };

static void check(int ok, const char *call) {
  if (!ok) {
    perror(call);
    exit(1);
  }
}

static int listening(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(fd >= 0, "socket");
  check(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
  check(chmod(path, 0666) == 0, "chmod");
  check(listen(fd, CONNECTIONS_MAX) == 0, "listen");
  return fd;
}

// Whether the connection goes on.
static int echo(int fd) {
  char bytes[4096];
  ssize_t n = read(fd, bytes, sizeof bytes);
  return n > 0 && write(fd, bytes, n) == n;
}

int main(int argc, char **argv) {
  check(argc == 2, "usage: echo PATH");
  struct pollfd fds[CONNECTIONS_MAX + 2] = {{.fd = 0}, {.fd = listening(argv[1]), .events = POLLIN}};
  int count = 2;
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    check(poll(fds, count, -1) >= 0, "poll");
    if (fds[0].revents) return 0;
    if (fds[1].revents && count < CONNECTIONS_MAX + 2)
      fds[count++] = (struct pollfd){.fd = accept(fds[1].fd, NULL, NULL), .events = POLLIN};
    for (int i = 2; i < count; i++)
      if (fds[i].revents && !echo(fds[i].fd)) {
        close(fds[i].fd);
        fds[i--] = fds[--count];
      }
  }
}
