// Just enough io_uring for an attack: one ring, one request at a time, raw system calls.

#pragma once
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct uring {
  int fd;
  struct io_uring_params params;
};

// The ring's descriptor, or -1 with errno: ENOSYS or EPERM where the host has io_uring switched off.
static inline int uring_open(struct uring *ring) {
  memset(&ring->params, 0, sizeof ring->params);
  ring->fd = syscall(SYS_io_uring_setup, 4, &ring->params);
  return ring->fd;
}

static inline int uring_register_buffer(struct uring *ring, void *bytes, size_t n) {
  struct iovec buffer = {bytes, n};
  return syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, &buffer, 1);
}

// Performs one request and returns its result: a count, or a negative errno.
static inline int uring_perform(struct uring *ring, const struct io_uring_sqe *request) {
  struct io_uring_params *p = &ring->params;
  size_t sq_bytes = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
  size_t cq_bytes = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
  int prot = PROT_READ | PROT_WRITE;
  char *sq = mmap(NULL, sq_bytes, prot, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
  char *cq = mmap(NULL, cq_bytes, prot, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
  struct io_uring_sqe *sqes =
      mmap(NULL, p->sq_entries * sizeof *sqes, prot, MAP_SHARED, ring->fd, IORING_OFF_SQES);
  if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED) return -errno;
  sqes[0] = *request;
  ((uint32_t *)(sq + p->sq_off.array))[0] = 0;
  __atomic_store_n((uint32_t *)(sq + p->sq_off.tail), 1, __ATOMIC_RELEASE);
  int done = syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
  int result = done < 0 ? -errno : ((struct io_uring_cqe *)(cq + p->cq_off.cqes))[0].res;
  munmap(sq, sq_bytes);
  munmap(cq, cq_bytes);
  munmap(sqes, p->sq_entries * sizeof *sqes);
  return result;
}
