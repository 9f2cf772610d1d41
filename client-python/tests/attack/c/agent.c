// A process of another uid that holds on to memory in the ways that matter to a seal.
//
//   agent < SOCK_SEQPACKET socket
//
// One message, one command: "COMMAND [ARGUMENT]", with at most one descriptor; the answer is
// "0", or the errno that stopped it. What a command takes hold of, `release` lets go. The
// descriptor itself is always closed: what is held is the mapping, the pinned page or the I/O.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "uring.h"

enum { PAGE = 4096, SOCKET = 0, READS = 16, LAST_STORES = 100 };

static struct {
  char *map;
  size_t bytes;
  int pipe[2];
  struct uring uring;
  char *registered;
  int ring;
  pid_t child;
  aio_context_t context;
  int under_way;
} held = {.pipe = {-1, -1}, .ring = -1};

static int failed(long result) { return result < 0 ? errno : 0; }

static int map(int fd, int prot) {
  struct stat st;
  if (fstat(fd, &st) != 0) return errno;
  char *at = mmap(NULL, st.st_size, prot, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return errno;
  held.map = at;
  held.bytes = st.st_size;
  return 0;
}

static int unmap(void) {
  int error = held.map ? failed(munmap(held.map, held.bytes)) : 0;
  held.map = NULL;
  return error;
}

static int c_map_writable(int fd, const char *_) { return (void)_, map(fd, PROT_READ | PROT_WRITE); }

static int c_map_readable(int fd, const char *_) { return (void)_, map(fd, PROT_READ); }

static int c_fill(int _, const char *byte) {
  (void)_;
  memset(held.map, atoi(byte), held.bytes);
  return 0;
}

// A writable mapping that lives in a forked child only.
static int c_fork(int fd, const char *_) {
  (void)_;
  int error = map(fd, PROT_READ | PROT_WRITE);
  if (error) return error;
  held.child = fork();
  if (held.child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(SOCKET);
    close(fd);
    for (;;) pause();
  }
  return held.child < 0 ? errno : unmap();
}

// The page is written first: splice shows a zero page in place of one that never was.
static int c_splice(int fd, const char *_) {
  (void)_;
  loff_t at = 0;
  if (pwrite(fd, "held", 4, 0) != 4) return errno;
  if (pipe(held.pipe) != 0) return errno;
  return failed(splice(fd, &at, held.pipe[1], NULL, PAGE, 0));
}

static int c_vmsplice(int fd, const char *_) {
  (void)_;
  int error = map(fd, PROT_READ | PROT_WRITE);
  if (error || pipe(held.pipe) != 0) return error ? error : errno;
  struct iovec page = {held.map, PAGE};
  error = failed(vmsplice(held.pipe[1], &page, 1, 0));
  int late = unmap();
  return error ? error : late;
}

// A registered buffer stays writable by the kernel when the mapping is gone.
static int c_uring(int fd, const char *_) {
  (void)_;
  held.ring = uring_open(&held.uring);
  if (held.ring < 0) return errno;
  int error = map(fd, PROT_READ | PROT_WRITE);
  if (error) return error;
  held.registered = held.map;
  error = failed(uring_register_buffer(&held.uring, held.map, PAGE));
  int late = unmap();
  return error ? error : late;
}

// Has the kernel write a page into the registered buffer, wherever that is by now.
static int c_uring_write(int _, const char *__) {
  (void)_, (void)__;
  static char evil[PAGE];
  memset(evil, 0xEE, sizeof evil);
  int source = memfd_create("evil", MFD_CLOEXEC);
  if (pwrite(source, evil, PAGE, 0) != PAGE) return errno;
  struct io_uring_sqe request = {
      .opcode = IORING_OP_READ_FIXED, .fd = source, .addr = (uintptr_t)held.registered, .len = PAGE};
  int done = uring_perform(&held.uring, &request);
  close(source);
  return done == PAGE ? 0 : done < 0 ? -done : EIO;
}

// The thread that stores without end, by the mapping and by the descriptor, whatever refuses it.
static struct {
  pthread_t thread;
  volatile char *map;
  int fd;
  atomic_int stop, rounds, faults;
  int refused;
} storing;

static __thread sigjmp_buf behind_store;

static void fault(int _) {
  (void)_;
  atomic_fetch_add(&storing.faults, 1);
  siglongjmp(behind_store, 1);
}

static void *store_on(void *_) {
  (void)_;
  for (char value = 1; !atomic_load(&storing.stop); value = value % 100 + 1) {
    if (sigsetjmp(behind_store, 1) == 0) storing.map[0] = value;
    storing.refused = pwrite(storing.fd, &value, 1, PAGE) == 1 ? 0 : errno;
    atomic_fetch_add(&storing.rounds, 1);
  }
  return NULL;
}

static int c_store(int fd, const char *_) {
  (void)_;
  int error = map(fd, PROT_READ | PROT_WRITE);
  if (error) return error;
  signal(SIGSEGV, fault);
  storing.map = held.map;
  storing.fd = dup(fd);
  storing.stop = storing.rounds = storing.faults = 0;
  int error_starting = pthread_create(&storing.thread, NULL, store_on, NULL);
  while (!error_starting && atomic_load(&storing.rounds) == 0) sched_yield();
  return error_starting;
}

// As the library does before a seal, but with the thread still storing.
static int c_give_up_mapping(int _, const char *__) {
  (void)_, (void)__;
  void *at = mmap(held.map, held.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  return at == MAP_FAILED ? errno : 0;
}

// Stops it after LAST_STORES more; the answer is what refused the last write, if it also faulted.
static int c_stop_storing(int _, const char *__) {
  (void)_, (void)__;
  int last = atomic_load(&storing.rounds) + LAST_STORES;
  while (atomic_load(&storing.rounds) < last) sched_yield();
  atomic_store(&storing.stop, 1);
  pthread_join(storing.thread, NULL);
  close(storing.fd);
  int late = unmap();
  return late ? late : atomic_load(&storing.faults) ? storing.refused : ENODATA;
}

// Starts READS direct reads of FILE that fill the mapping, then unmaps while they are under way.
static int c_read_direct(int fd, const char *path) {
  int file = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (file < 0) return errno;
  int error = map(fd, PROT_READ | PROT_WRITE);
  if (error || syscall(SYS_io_setup, READS, &held.context) != 0) return error ? error : errno;
  struct iocb requests[READS], *list[READS];
  size_t piece = held.bytes / READS;
  for (int i = 0; i < READS; i++) {
    requests[i] = (struct iocb){.aio_lio_opcode = IOCB_CMD_PREAD,
                                .aio_fildes = file,
                                .aio_buf = (uintptr_t)held.map + i * piece,
                                .aio_nbytes = piece,
                                .aio_offset = i * piece};
    list[i] = &requests[i];
  }
  held.under_way = syscall(SYS_io_submit, held.context, READS, list);
  error = held.under_way == READS ? 0 : EIO;
  int late = unmap();
  close(file);
  return error ? error : late;
}

static int c_wait_for_reads(int _, const char *__) {
  (void)_, (void)__;
  struct io_event events[READS];
  int done = syscall(SYS_io_getevents, held.context, held.under_way, READS, events, NULL);
  int error = done == held.under_way ? 0 : EIO;
  for (int i = 0; i < done; i++)
    if (events[i].res < 0) error = (int)-events[i].res;
  syscall(SYS_io_destroy, held.context);
  held.context = 0;
  held.under_way = 0;
  return error;
}

static int c_release(int _, const char *__) {
  (void)_, (void)__;
  if (held.child > 0) {
    kill(held.child, SIGKILL);
    waitpid(held.child, NULL, 0);
  }
  if (held.ring >= 0) close(held.ring);
  for (int i = 0; i < 2; i++)
    if (held.pipe[i] >= 0) close(held.pipe[i]);
  held.child = 0;
  held.ring = held.pipe[0] = held.pipe[1] = -1;
  return unmap();
}

static const struct {
  const char *name;
  int (*run)(int fd, const char *argument);
} COMMANDS[] = {
    {"map_writable", c_map_writable},
    {"map_readable", c_map_readable},
    {"fill", c_fill},
    {"fork", c_fork},
    {"splice", c_splice},
    {"vmsplice", c_vmsplice},
    {"uring", c_uring},
    {"uring_write", c_uring_write},
    {"store", c_store},
    {"give_up_mapping", c_give_up_mapping},
    {"stop_storing", c_stop_storing},
    {"read_direct", c_read_direct},
    {"wait_for_reads", c_wait_for_reads},
    {"release", c_release},
};

static int run(char *text, int fd) {
  char *argument = strchr(text, ' ');
  if (argument) *argument++ = '\0';
  for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++)
    if (strcmp(text, COMMANDS[i].name) == 0) return COMMANDS[i].run(fd, argument ? argument : "");
  return ENOSYS;
}

int main(void) {
  if (geteuid() == 0) return 2;
  for (;;) {
    char text[4096] = "";
    union {
      struct cmsghdr head;
      char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec bytes = {text, sizeof text - 1};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(SOCKET, &message, MSG_CMSG_CLOEXEC) <= 0) return 0;
    int fd = -1;
    if (CMSG_FIRSTHDR(&message)) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    int error = run(text, fd);
    if (fd >= 0) close(fd);
    const char *answer = error ? strerrorname_np(error) : "0";
    if (send(SOCKET, answer, strlen(answer), 0) < 0) return 1;
  }
}
