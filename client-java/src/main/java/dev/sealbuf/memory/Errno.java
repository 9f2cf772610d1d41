package dev.sealbuf.memory;

/// Error numbers of Linux on x86-64 and aarch64 (asm-generic/errno.h): constants for those that
/// code tells apart, names for all.
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int ESRCH = 3;
  public static final int EINTR = 4;
  public static final int EBADF = 9;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EBUSY = 16;
  public static final int EINVAL = 22;
  public static final int ENFILE = 23;
  public static final int EMFILE = 24;
  public static final int ENOSPC = 28;
  public static final int EPIPE = 32;
  public static final int ERANGE = 34;
  public static final int ENAMETOOLONG = 36;
  public static final int ENOSYS = 38;
  public static final int ENOTSOCK = 88;
  public static final int ECONNRESET = 104;
  public static final int ENOTCONN = 107;
  public static final int ETOOMANYREFS = 109;
  public static final int ECONNREFUSED = 111;

  /// In the order of their numbers, from 0; `-` marks a number without a name.
  private static final String[] NAMES =
      """
      - EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF
      ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV
      ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE
      EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY
      ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH
      ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT
      ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT
      ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC
      ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ
      EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT
      EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL
      ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN
      ESHUTDOWN ETOOMANYREFS
      ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN
      ENOTNAM ENAVAIL
      EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED
      EKEYREVOKED EKEYREJECTED
      EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON
      """
          .strip()
          .split("\\s+", -1);

  private Errno() {}

  /// The symbolic name, such as `ENOMEM`; `errno` for a number that has none.
  public static String name(int errno) {
    boolean named = errno > 0 && errno < NAMES.length && !NAMES[errno].equals("-");
    return named ? NAMES[errno] : "errno";
  }
}
