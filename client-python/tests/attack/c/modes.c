// Watches paths as fast as it can and says which modes each ever had.
//
//   modes PATH...
//
// Ends with standard input; then one line a mode, "NUMBER MODE", the path's number and the octal
// mode with its type bits, in order of appearance.

#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

enum { MODES_MAX = 1024 };

static struct {
  int path;
  unsigned mode;
} seen[MODES_MAX];
static int count;

static void note(int path, unsigned mode) {
  for (int i = 0; i < count; i++)
    if (seen[i].path == path && seen[i].mode == mode) return;
  if (count == MODES_MAX) return;
  seen[count].path = path;
  seen[count++].mode = mode;
}

int main(int argc, char **argv) {
  printf("ready\n");
  fflush(stdout);
  struct pollfd input = {.fd = 0, .events = POLLIN};
  struct stat st;
  while (poll(&input, 1, 0) == 0)
    for (int path = 1; path < argc; path++)
      if (lstat(argv[path], &st) == 0) note(path, st.st_mode);
  for (int i = 0; i < count; i++) printf("%d %o\n", seen[i].path - 1, seen[i].mode);
  return 0;
}
