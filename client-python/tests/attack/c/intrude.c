// Every way we know into another process, from a process of the same uid.
//
//   intrude PID
//
// Each is tried on PID and on a control, a child of this process that does nothing. One line each:
//   WAY victim=ERRNO control=ERRNO
// "0" when it got in, else the errno that kept it out, or "not_run".

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t victim;

static int failed(long result) { return result < 0 ? errno : 0; }

static int opened(const char *format, int flags) {
  char path[64];
  snprintf(path, sizeof path, format, victim);
  return failed(open(path, flags | O_CLOEXEC));
}

static int i_mem(void) { return opened("/proc/%d/mem", O_RDWR); }

static int i_maps(void) { return opened("/proc/%d/maps", O_RDONLY); }

static int i_environ(void) { return opened("/proc/%d/environ", O_RDONLY); }

static int i_fd_list(void) { return opened("/proc/%d/fd", O_RDONLY | O_DIRECTORY); }

static int i_fd(void) { return opened("/proc/%d/fd/0", O_RDONLY); }

static int i_root(void) { return opened("/proc/%d/root/", O_RDONLY | O_DIRECTORY); }

static int i_attach(void) {
  int error = failed(ptrace(PTRACE_ATTACH, victim, 0, 0));
  if (error) return error;
  waitpid(victim, NULL, 0);
  return failed(ptrace(PTRACE_DETACH, victim, 0, 0));
}

static int i_seize(void) {
  int error = failed(ptrace(PTRACE_SEIZE, victim, 0, 0));
  if (error) return error;
  ptrace(PTRACE_INTERRUPT, victim, 0, 0);
  waitpid(victim, NULL, 0);
  return failed(ptrace(PTRACE_DETACH, victim, 0, 0));
}

static int i_pidfd_getfd(void) {
  int pidfd = syscall(SYS_pidfd_open, victim, 0);
  return pidfd < 0 ? -1 : failed(syscall(SYS_pidfd_getfd, pidfd, 0, 0));
}

// Reads from an address that no process has mapped: permission is checked first.
static int i_vm_readv(void) {
  char byte;
  struct iovec to = {&byte, 1}, from = {(void *)1, 1};
  int error = failed(process_vm_readv(victim, &to, 1, &from, 1, 0));
  return error == EFAULT ? 0 : error;
}

static int i_vm_writev(void) {
  char byte = 0;
  struct iovec from = {&byte, 1}, to = {(void *)1, 1};
  int error = failed(process_vm_writev(victim, &from, 1, &to, 1, 0));
  return error == EFAULT ? 0 : error;
}

static const struct {
  const char *name;
  int (*intrude)(void);
} WAYS[] = {
    {"proc_mem", i_mem},
    {"proc_maps", i_maps},
    {"proc_environ", i_environ},
    {"proc_fd_list", i_fd_list},
    {"proc_fd", i_fd},
    {"proc_root", i_root},
    {"ptrace_attach", i_attach},
    {"ptrace_seize", i_seize},
    {"pidfd_getfd", i_pidfd_getfd},
    {"process_vm_readv", i_vm_readv},
    {"process_vm_writev", i_vm_writev},
};

static void report(int (*intrude)(void), pid_t pid, const char *who) {
  victim = pid;
  int error = intrude();
  printf(" %s=%s", who, error < 0 ? "not_run" : error ? strerrorname_np(error) : "0");
}

int main(int argc, char **argv) {
  if (argc != 2 || geteuid() == 0) return 2;
  pid_t control = fork();
  if (control == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
    printf("%s", WAYS[i].name);
    report(WAYS[i].intrude, atoi(argv[1]), "victim");
    report(WAYS[i].intrude, control, "control");
    printf("\n");
  }
  kill(control, SIGKILL);
  return 0;
}
