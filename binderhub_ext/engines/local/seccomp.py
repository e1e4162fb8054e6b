"""The system calls a person's programs may make; the kernel refuses all others.

What is allowed is what the container engines' default profile allows processes without
capabilities, less `name_to_handle_at`, which leads to files by other ways than their names. A
call that comes with a later kernel does not exist in a sandbox until somebody has looked at it:
`file_setattr` and `open_tree_attr` undid what their older twins were refused for.

There are two filters, of which both have to agree: one knows calls by their names alone, the
other looks at what is asked of those that have several uses.
"""

from __future__ import annotations

import errno
import tempfile
from functools import lru_cache
from typing import Any

_ALLOWED = """
    accept accept4 access adjtimex alarm arch_prctl arm_fadvise64_64 arm_sync_file_range bind
    breakpoint brk cacheflush cachestat capget capset chdir chmod chown chown32 clock_adjtime
    clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 clone close close_range connect copy_file_range creat
    dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2
    epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat
    faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2
    fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork
    fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64
    futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat get_robust_list
    get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid
    getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid
    getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid
    getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat
    inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy
    io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioprio_get
    ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
    lchown32 lgetxattr link linkat listen listmount listxattr listxattrat llistxattr _llseek
    lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier memfd_create
    memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt
    mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
    mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock
    munlockall munmap nanosleep newfstatat _newselect open openat openat2 pause pidfd_open
    pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64
    prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev
    pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat
    readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr
    removexattrat rename renameat renameat2 restart_syscall riscv_flush_icache riscv_hwprobe
    rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
    rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
    sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity
    sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget
    semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto
    set_robust_list set_thread_area set_tid_address set_tls setfsgid setfsgid32 setfsuid
    setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid
    setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid
    setsockopt setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown
    sigaltstack signalfd signalfd4 sigprocmask sigreturn socket socketcall socketpair splice
    stat stat64 statfs statfs64 statmount statx swapcontext symlink symlinkat sync
    sync_file_range sync_file_range2 syncfs sysinfo tee tgkill time timer_create timer_delete
    timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create
    timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate
    truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64
    utimes vfork vmsplice wait4 waitid waitpid write writev
"""
ALLOWED = frozenset(_ALLOWED.split())

_DENIED = """
    acct add_key bpf chroot clock_settime delete_module fanotify_init finit_module fsconfig fsmount
    fsopen fspick init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp
    kexec_file_load kexec_load keyctl lookup_dcookie mount mount_setattr move_mount
    name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root
    process_madvise quotactl quotactl_fd reboot request_key setdomainname sethostname setns
    settimeofday swapoff swapon syslog umount umount2 unshare userfaultfd vhangup
"""
DENIED = frozenset(_DENIED.split())
"""What programs know to do without if it is not permitted; all else that is not allowed "is not
implemented". Among it `clone3`, whose flags no filter can read: the C library then uses `clone`."""

UNCOUNTED = ("memfd_create", "memfd_secret", "shmget")
"""Memory that belongs to no process, so that without a control group nobody counts it."""

_SMALL = 4096
"""Bytes that `shmget` may give all the same: PostgreSQL does not run without a few. The kernel lets
a sandbox have 4096 such pieces."""

_NEW_NAMESPACES = tuple(1 << bit for bit in (17, 25, 26, 27, 28, 29, 30))
_TERMINAL = (0x5412, 0x541C)
"""`TIOCSTI` and `TIOCLINUX`: type into a terminal."""

_FILE_FLAGS = (0x40086602, 0x401C5820)
"""`FS_IOC_SETFLAGS` and `FS_IOC_FSSETXATTR`: take a file of one's own out of a project quota."""

_SOCKETS = (12, 19, 20, 23, 25, 34, 37, 38, 40)
"""Kinds of sockets that no network of a sandbox separates or that are rarely anything but a way
into the kernel: of virtual machines and their host, of the kernel's ciphers, of old hardware."""
_LAST_SOCKET = 45

_PERSONALITIES = (0x0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)
"""Those of Linux, of 32 bits, of old version numbers, and the question which one it is."""

_INT = 0xFFFFFFFF


class NoSeccomp(Exception):
    """The library that makes filters is not on this machine."""


@lru_cache
def programs(count_memory: bool = False) -> tuple[bytes, ...]:
    """The filters as the kernel takes them (classic BPF).

    Args:
        count_memory: also refuse `UNCOUNTED`, but small pieces, where a watcher has to count.

    Raises:
        NoSeccomp: libseccomp is missing.
    """
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise NoSeccomp(str(error)) from error
    missing = pyseccomp.ERRNO(errno.ENOSYS)
    by_name = pyseccomp.SyscallFilter(missing)
    for name in sorted(ALLOWED - set(UNCOUNTED if count_memory else ())):
        _add(by_name, pyseccomp.ALLOW, name)
    if count_memory:
        small = pyseccomp.Arg(1, pyseccomp.LE, _SMALL)
        _add(by_name, pyseccomp.ALLOW, "shmget", small)
    for name in sorted(DENIED):
        _add(by_name, pyseccomp.ERRNO(errno.EPERM), name)
    for value in _PERSONALITIES:
        one = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _INT, value)
        _add(by_name, pyseccomp.ALLOW, "personality", one)
    by_use = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    _refuse_uses(by_use, pyseccomp.ERRNO(errno.EPERM), pyseccomp)
    return _exported(by_name), _exported(by_use)


def _refuse_uses(rules: Any, action: int, library: Any) -> None:
    """Refuse what calls that are allowed can be asked for."""

    def refuse(name: str, argument: int, value: int, mask: int = _INT) -> None:
        _add(rules, action, name, library.Arg(argument, library.MASKED_EQ, mask, value))

    for flag in _NEW_NAMESPACES:
        refuse("clone", 0, flag, flag)
    for request in (*_TERMINAL, *_FILE_FLAGS):
        refuse("ioctl", 1, request)
    for family in _SOCKETS:
        refuse("socket", 0, family)
    _add(rules, action, "socket", library.Arg(0, library.GT, _LAST_SOCKET))


def _add(rules: Any, action: int, name: str, *arguments: object) -> None:
    """Add a rule, if this machine's kind of processor has the call and the library knows it."""
    import pyseccomp

    try:
        number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    except (ValueError, RuntimeError):
        return
    if number >= 0:
        rules.add_rule(action, number, *arguments)


def _exported(rules: Any) -> bytes:
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
