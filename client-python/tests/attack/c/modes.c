// Watches a path as fast as it can and says which modes it ever had.
//
//   modes PATH
//
// Ends with standard input; then one octal mode a line, type bits included, in order of appearance.

#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

enum { MODES_MAX = 64, LOOKS = 256 };

static unsigned modes[MODES_MAX];
static int count;

static void note(unsigned mode) {
  for (int i = 0; i < count; i++)
    if (modes[i] == mode) return;
  if (count < MODES_MAX) modes[count++] = mode;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  printf("ready\n");
  fflush(stdout);
  struct pollfd input = {.fd = 0, .events = POLLIN};
  struct stat st;
  while (poll(&input, 1, 0) == 0)
    for (int i = 0; i < LOOKS; i++)
      if (lstat(argv[1], &st) == 0) note(st.st_mode);
  for (int i = 0; i < count; i++) printf("%o\n", modes[i]);
  return 0;
}
