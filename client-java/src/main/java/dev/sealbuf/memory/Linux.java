package dev.sealbuf.memory;

/// Constants of the kernel's and glibc's interface that this package passes on. All of them have
/// the same value on x86-64 and aarch64; those that differ between the two (such as O_DIRECT) are
/// not used.
final class Linux {
  static final int MFD_CLOEXEC = 0x1;
  static final int MFD_ALLOW_SEALING = 0x2;
  static final int MFD_NOEXEC_SEAL = 0x8;

  static final int F_SETSIG = 10;
  static final int F_SETLEASE = 1024;
  static final int F_WRLCK = 1;
  static final int F_UNLCK = 2;
  static final int SIGURG = 23;
  static final int F_DUPFD_CLOEXEC = 1030;
  static final int F_ADD_SEALS = 1033;
  static final int F_GET_SEALS = 1034;

  static final int O_RDONLY = 0;
  static final int O_RDWR = 0x2;
  static final int O_NONBLOCK = 0x800;
  static final int O_CLOEXEC = 0x80000;

  static final int LOCK_EX = 2;
  static final int LOCK_NB = 4;

  static final int PROT_NONE = 0;
  static final int PROT_READ = 0x1;
  static final int PROT_WRITE = 0x2;
  static final int MAP_SHARED = 0x1;
  static final int MAP_PRIVATE = 0x2;
  static final int MAP_FIXED = 0x10;
  static final int MAP_ANONYMOUS = 0x20;
  static final int MAP_NORESERVE = 0x4000;
  static final int MADV_COLLAPSE = 25;

  static final int AT_EMPTY_PATH = 0x1000;
  static final int STATX_BASIC_STATS = 0x7ff;

  static final int AF_UNIX = 1;
  static final int SOCK_STREAM = 1;
  static final int SOCK_DGRAM = 2;
  static final int SOCK_NONBLOCK = 0x800;
  static final int SOCK_CLOEXEC = 0x80000;
  static final int SOL_SOCKET = 1;
  static final int SO_PEERCRED = 17;
  static final int SO_RCVTIMEO = 20;
  static final int SO_SNDTIMEO = 21;
  static final int SO_PEERGROUPS = 59;
  static final int SO_PEERPIDFD = 77;
  static final int SCM_RIGHTS = 1;
  static final int MSG_CTRUNC = 0x8;
  static final int MSG_DONTWAIT = 0x40;
  static final int MSG_NOSIGNAL = 0x4000;
  static final int MSG_CMSG_CLOEXEC = 0x40000000;
  static final int SHUT_RDWR = 2;
  static final long SIOCOUTQ = 0x5411;

  static final int EPOLL_CLOEXEC = 0x80000;
  static final int EPOLL_CTL_ADD = 1;
  static final int EPOLLIN = 0x1;
  static final int EPOLLET = 0x80000000;
  static final int EFD_NONBLOCK = 0x800;
  static final int EFD_CLOEXEC = 0x80000;
  static final int IN_NONBLOCK = 0x800;
  static final int IN_CLOEXEC = 0x80000;
  static final int IN_DELETE_SELF = 0x400;
  static final int IN_Q_OVERFLOW = 0x4000;
  static final long SYS_PIDFD_OPEN = 434;

  static final long SIG_DFL = 0;
  static final int PR_GET_DUMPABLE = 3;
  static final int PRIO_PROCESS = 0;
  static final int PR_SET_DUMPABLE = 4;
  static final int SC_PAGESIZE = 30;
  static final int RLIMIT_NOFILE = 7;
  static final int PTHREAD_PROCESS_SHARED = 1;
  static final int PTHREAD_MUTEX_ROBUST = 1;

  private Linux() {}
}
