// Every way we know to change a segment, tried on a victim and on a control.
//
//   matrix RO_FD RW_FD BYTES
//
// RO_FD is the descriptor that a reader was given; RW_FD one opened for writing before the seal, or
// -1. Each attack first looks for the best it can get: RW_FD, else /proc/self/fd/RO_FD reopened for
// writing, else RO_FD itself. It is tried twice in the same process: on the victim, and on a
// control, an unsealed memfd of this process's own, where it must succeed; an attack that fails on
// its control shows nothing. One line each:
//   ATTACK victim=ERRNO changed=0|1 control=ERRNO changed=0|1
// ERRNO is that of the system call that refused, "0" when none did, a signal's name, or "not_run".

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "uring.h"

enum { PAGE = 4096, NOT_RUN = -1, RW = PROT_READ | PROT_WRITE };

struct target {
  int ro, rw;
  size_t bytes;
};

static char evil[PAGE];

static void *evil_page(void) { return memset(evil, 0xEE, sizeof evil); }

static int failed(long result) { return result < 0 ? errno : 0; }

static int reopened(const struct target *t, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", t->ro);
  return open(path, flags | O_CLOEXEC);
}

// The most powerful descriptor to be had.
static int best(const struct target *t) {
  if (t->rw >= 0) return t->rw;
  int fd = reopened(t, O_RDWR);
  return fd >= 0 ? fd : t->ro;
}

// The most powerful shared mapping to be had; readable at least.
static char *best_map(const struct target *t) {
  int fd = best(t);
  char *map = mmap(NULL, t->bytes, RW, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) map = mmap(NULL, t->bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) map = mmap(NULL, t->bytes, PROT_READ, MAP_SHARED, t->ro, 0);
  return map;
}

static int evil_memfd(void) {
  int fd = memfd_create("evil", MFD_CLOEXEC);
  return pwrite(fd, evil_page(), PAGE, 0) == PAGE ? fd : -1;
}

static int evil_pipe(void) {
  int ends[2];
  if (pipe(ends) != 0 || write(ends[1], evil_page(), PAGE) != PAGE) return -1;
  return ends[0];
}

static int a_write(const struct target *t) {
  int fd = best(t);
  lseek(fd, 0, SEEK_SET);
  return failed(write(fd, evil_page(), PAGE));
}

static int a_pwrite(const struct target *t) { return failed(pwrite(best(t), evil_page(), PAGE, 0)); }

static int a_map(const struct target *t) {
  char *map = mmap(NULL, t->bytes, RW, MAP_SHARED, best(t), 0);
  if (map == MAP_FAILED) return errno;
  memset(map, 0xEE, PAGE);
  return 0;
}

static int a_mprotect(const struct target *t) {
  char *map = mmap(NULL, t->bytes, PROT_READ, MAP_SHARED, best(t), 0);
  if (map == MAP_FAILED || mprotect(map, t->bytes, RW) != 0) return errno;
  memset(map, 0xEE, PAGE);
  return 0;
}

static int a_store(const struct target *t) {
  memset(best_map(t), 0xEE, PAGE);
  return 0;
}

static int a_shrink(const struct target *t) { return failed(ftruncate(best(t), PAGE)); }

static int a_grow(const struct target *t) { return failed(ftruncate(best(t), 2 * t->bytes)); }

static int a_punch(const struct target *t) {
  return failed(fallocate(best(t), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
}

static int a_madvise_remove(const struct target *t) {
  return failed(madvise(best_map(t), PAGE, MADV_REMOVE));
}

static int a_add_seal(const struct target *t) {
  return failed(fcntl(best(t), F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
}

// As the owner this succeeds: what must fail then is the write.
static int a_fchmod(const struct target *t) {
  if (fchmod(t->ro, 0666) != 0) return errno;
  return failed(pwrite(reopened(t, O_RDWR), evil_page(), PAGE, 0));
}

static int a_reopen(const struct target *t) {
  int fd = reopened(t, O_WRONLY);
  return fd < 0 ? errno : failed(write(fd, evil_page(), PAGE));
}

static int a_reopen_truncate(const struct target *t) { return failed(reopened(t, O_WRONLY | O_TRUNC)); }

static int a_uffd_copy(const struct target *t) {
  int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  if (uffd < 0) return NOT_RUN;
  struct uffdio_api api = {.api = UFFD_API};
  char *map = best_map(t);
  struct uffdio_register range = {{(uintptr_t)map, t->bytes}, UFFDIO_REGISTER_MODE_MISSING, 0};
  if (ioctl(uffd, UFFDIO_API, &api) != 0) return NOT_RUN;
  if (ioctl(uffd, UFFDIO_REGISTER, &range) != 0) return errno;
  struct uffdio_copy copy = {(uintptr_t)map + PAGE, (uintptr_t)evil_page(), PAGE, 0, 0};
  return failed(ioctl(uffd, UFFDIO_COPY, &copy));
}

static int a_process_vm_writev(const struct target *t) {
  struct iovec from = {evil_page(), PAGE}, to = {best_map(t), PAGE};
  return failed(process_vm_writev(getpid(), &from, 1, &to, 1, 0));
}

static int a_proc_self_mem(const struct target *t) {
  int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (mem < 0) return NOT_RUN;
  return failed(pwrite(mem, evil_page(), PAGE, (uintptr_t)best_map(t)));
}

// Pokes into a child that has the segment mapped, as a debugger would.
static int a_ptrace(const struct target *t) {
  char *map = best_map(t);
  pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0) raise(SIGSTOP);
    _exit(1);
  }
  int status;
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) return NOT_RUN;
  int error = failed(ptrace(PTRACE_POKEDATA, child, map, 0xEEEEEEEEEEEEEEEE));
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return error;
}

static int a_splice(const struct target *t) {
  loff_t at = 0;
  return failed(splice(evil_pipe(), NULL, best(t), &at, PAGE, 0));
}

static int a_copy_file_range(const struct target *t) {
  loff_t from = 0, at = 0;
  return failed(copy_file_range(evil_memfd(), &from, best(t), &at, PAGE, 0));
}

static int a_sendfile(const struct target *t) {
  off_t from = 0;
  return failed(sendfile(best(t), evil_memfd(), &from, PAGE));
}

static int a_read_into(const struct target *t) { return failed(read(evil_pipe(), best_map(t), PAGE)); }

static int performed(struct uring *ring, struct io_uring_sqe request, size_t bytes) {
  int result = uring_perform(ring, &request);
  if (result < 0) return -result;
  return result == (int)bytes ? 0 : EIO;
}

static int a_io_uring_write(const struct target *t) {
  struct uring ring;
  if (uring_open(&ring) < 0) return NOT_RUN;
  struct io_uring_sqe request = {
      .opcode = IORING_OP_WRITE, .fd = best(t), .addr = (uintptr_t)evil_page(), .len = PAGE};
  return performed(&ring, request, PAGE);
}

static int a_io_uring_fixed(const struct target *t) {
  struct uring ring;
  if (uring_open(&ring) < 0) return NOT_RUN;
  char *map = best_map(t);
  if (uring_register_buffer(&ring, map, PAGE) != 0) return errno;
  struct io_uring_sqe request = {
      .opcode = IORING_OP_READ_FIXED, .fd = evil_memfd(), .addr = (uintptr_t)map, .len = PAGE};
  return performed(&ring, request, PAGE);
}

static int a_aio_write(const struct target *t) {
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, 1, &context) != 0) return NOT_RUN;
  struct iocb request = {.aio_lio_opcode = IOCB_CMD_PWRITE,
                         .aio_fildes = best(t),
                         .aio_buf = (uintptr_t)evil_page(),
                         .aio_nbytes = PAGE};
  struct iocb *requests[] = {&request};
  struct io_event event;
  if (syscall(SYS_io_submit, context, 1, requests) != 1) return errno;
  if (syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1) return errno;
  return event.res < 0 ? (int)-event.res : 0;
}

static const struct {
  const char *name;
  int (*attack)(const struct target *);
} ATTACKS[] = {
    {"write", a_write},
    {"pwrite", a_pwrite},
    {"map_writable", a_map},
    {"mprotect", a_mprotect},
    {"store", a_store},
    {"shrink", a_shrink},
    {"grow", a_grow},
    {"punch_hole", a_punch},
    {"madvise_remove", a_madvise_remove},
    {"add_seal", a_add_seal},
    {"fchmod", a_fchmod},
    {"reopen", a_reopen},
    {"reopen_truncate", a_reopen_truncate},
    {"uffd_copy", a_uffd_copy},
    {"process_vm_writev", a_process_vm_writev},
    {"proc_self_mem", a_proc_self_mem},
    {"ptrace", a_ptrace},
    {"splice", a_splice},
    {"copy_file_range", a_copy_file_range},
    {"sendfile", a_sendfile},
    {"read_into", a_read_into},
    {"io_uring_write", a_io_uring_write},
    {"io_uring_fixed", a_io_uring_fixed},
    {"aio_write", a_aio_write},
};

// Runs an attack in a child, since some end in a signal; says what refused it.
static void tried(int (*attack)(const struct target *), const struct target *t, char *verdict) {
  int *error = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child = fork();
  if (child == 0) {
    *error = attack(t);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    sprintf(verdict, "SIG%s", sigabbrev_np(WTERMSIG(status)));
  else
    strcpy(verdict, *error == NOT_RUN ? "not_run" : *error ? strerrorname_np(*error) : "0");
  munmap(error, PAGE);
}

static char *contents(const struct target *t) {
  char *bytes = calloc(1, t->bytes);
  return pread(t->ro, bytes, t->bytes, 0) < 0 ? NULL : bytes;
}

static off_t size(const struct target *t) {
  struct stat st;
  return fstat(t->ro, &st) == 0 ? st.st_size : -1;
}

static void report(int (*attack)(const struct target *), const struct target *t, const char *who) {
  char *before = contents(t), verdict[64];
  off_t size_before = size(t);
  tried(attack, t, verdict);
  char *after = contents(t);
  int changed = size(t) != size_before || memcmp(before, after, t->bytes) != 0;
  printf(" %s=%s changed=%d", who, verdict, changed);
  free(before);
  free(after);
}

// Its second page is a hole, for the attack that fills holes.
static struct target control(size_t bytes) {
  struct target t = {.rw = memfd_create("control", MFD_CLOEXEC | MFD_ALLOW_SEALING), .bytes = bytes};
  char page[PAGE];
  memset(page, 0x11, PAGE);
  if (ftruncate(t.rw, bytes) != 0 || pwrite(t.rw, page, PAGE, 0) != PAGE) exit(1);
  t.ro = t.rw;
  t.ro = reopened(&t, O_RDONLY);
  close(t.rw);
  t.rw = -1;
  return t;
}

int main(int argc, char **argv) {
  if (argc != 4 || geteuid() == 0) return 2;
  struct target victim = {atoi(argv[1]), atoi(argv[2]), strtoul(argv[3], NULL, 10)};
  for (size_t i = 0; i < sizeof ATTACKS / sizeof *ATTACKS; i++) {
    struct target harmless = control(victim.bytes);
    printf("%s", ATTACKS[i].name);
    report(ATTACKS[i].attack, &victim, "victim");
    report(ATTACKS[i].attack, &harmless, "control");
    printf("\n");
    fflush(stdout);
    close(harmless.ro);
  }
  return 0;
}
