//! The list: calls by what programs use them for.

#[allow(clippy::wildcard_imports, reason = "three hundred names of one family")]
use libc::*;
use rustix::thread::CapabilitySet;

/// What every container may call. Left out is what changes the host (its clock, modules, swap, mounts), what makes namespaces, what looks
/// into other processes or the kernel, and interfaces to the kernel that are large, young and seldom needed: io_uring, userfaultfd, keyrings.
#[rustfmt::skip]
pub(super) const ALWAYS: &[i64] = &[
    // files and folders
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev, SYS_preadv2,
    SYS_pwritev2, SYS_open, SYS_openat, SYS_openat2, SYS_creat, SYS_close, SYS_close_range, SYS_lseek, SYS_stat, SYS_fstat,
    SYS_lstat, SYS_newfstatat, SYS_statx, SYS_access, SYS_faccessat, SYS_faccessat2, SYS_truncate, SYS_ftruncate,
    SYS_fallocate, SYS_fadvise64, SYS_readahead, SYS_dup, SYS_dup2, SYS_dup3, SYS_fcntl, SYS_flock, SYS_ioctl, SYS_fsync,
    SYS_fdatasync, SYS_sync, SYS_syncfs, SYS_sync_file_range, SYS_sendfile, SYS_splice, SYS_tee, SYS_vmsplice,
    SYS_copy_file_range, SYS_getdents, SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_fchdir, SYS_rename, SYS_renameat,
    SYS_renameat2, SYS_mkdir, SYS_mkdirat, SYS_rmdir, SYS_link, SYS_linkat, SYS_unlink, SYS_unlinkat, SYS_symlink,
    SYS_symlinkat, SYS_readlink, SYS_readlinkat, SYS_mknod, SYS_mknodat, SYS_chmod, SYS_fchmod, SYS_fchmodat, SYS_fchmodat2,
    SYS_chown, SYS_fchown, SYS_lchown, SYS_fchownat, SYS_umask, SYS_utime, SYS_utimes, SYS_utimensat, SYS_futimesat,
    SYS_statfs, SYS_fstatfs, SYS_ustat, SYS_sysfs, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_getxattr, SYS_lgetxattr,
    SYS_fgetxattr, SYS_listxattr, SYS_llistxattr, SYS_flistxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
    SYS_inotify_init, SYS_inotify_init1, SYS_inotify_add_watch, SYS_inotify_rm_watch, SYS_memfd_create,
    // memory
    SYS_mmap, SYS_mprotect, SYS_munmap, SYS_mremap, SYS_brk, SYS_madvise, SYS_mincore, SYS_msync, SYS_mlock, SYS_mlock2,
    SYS_mlockall, SYS_munlock, SYS_munlockall, SYS_remap_file_pages, SYS_pkey_alloc, SYS_pkey_free, SYS_pkey_mprotect,
    SYS_membarrier, SYS_process_mrelease, SYS_mseal, SYS_mbind, SYS_set_mempolicy, SYS_get_mempolicy,
    SYS_set_mempolicy_home_node, SYS_migrate_pages, SYS_move_pages,
    // processes and threads
    SYS_fork, SYS_vfork, SYS_clone, SYS_execve, SYS_execveat, SYS_exit, SYS_exit_group, SYS_wait4, SYS_waitid, SYS_getpid,
    SYS_getppid, SYS_gettid, SYS_getpgid, SYS_getpgrp, SYS_setpgid, SYS_getsid, SYS_setsid, SYS_set_tid_address,
    SYS_set_robust_list, SYS_get_robust_list, SYS_futex, SYS_futex_waitv, SYS_rseq, SYS_arch_prctl, SYS_prctl,
    SYS_set_thread_area, SYS_get_thread_area, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_restart_syscall,
    // signals
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigpending, SYS_rt_sigreturn, SYS_rt_sigsuspend, SYS_rt_sigtimedwait,
    SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_sigaltstack, SYS_kill, SYS_tkill, SYS_tgkill, SYS_pause, SYS_signalfd,
    SYS_signalfd4,
    // waiting for events
    SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6, SYS_epoll_create, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_wait,
    SYS_epoll_pwait, SYS_epoll_pwait2, SYS_eventfd, SYS_eventfd2, SYS_pipe, SYS_pipe2,
    // time
    SYS_nanosleep, SYS_clock_nanosleep, SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_time, SYS_times,
    SYS_alarm, SYS_getitimer, SYS_setitimer, SYS_timer_create, SYS_timer_settime, SYS_timer_gettime, SYS_timer_getoverrun,
    SYS_timer_delete, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_adjtimex, SYS_clock_adjtime,
    // sockets
    SYS_socketpair, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_connect, SYS_getsockname, SYS_getpeername,
    SYS_setsockopt, SYS_getsockopt, SYS_shutdown, SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_recvfrom, SYS_recvmsg,
    SYS_recvmmsg,
    // scheduling
    SYS_sched_setscheduler, SYS_sched_getscheduler, SYS_sched_setparam, SYS_sched_getparam, SYS_sched_setattr,
    SYS_sched_getattr, SYS_sched_setaffinity, SYS_sched_getaffinity, SYS_sched_yield, SYS_sched_rr_get_interval,
    SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_getpriority, SYS_setpriority, SYS_ioprio_set,
    SYS_ioprio_get, SYS_getcpu,
    // users and limits
    SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getgroups, SYS_getresuid, SYS_getresgid, SYS_setuid, SYS_setgid,
    SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_setfsuid, SYS_setfsgid, SYS_capget,
    SYS_capset, SYS_getrlimit, SYS_setrlimit, SYS_prlimit64, SYS_getrusage, SYS_sysinfo, SYS_uname, SYS_getrandom,
    // System V and POSIX interprocess communication
    SYS_shmget, SYS_shmat, SYS_shmdt, SYS_shmctl, SYS_semget, SYS_semop, SYS_semtimedop, SYS_semctl, SYS_msgget, SYS_msgsnd,
    SYS_msgrcv, SYS_msgctl, SYS_mq_open, SYS_mq_unlink, SYS_mq_timedsend, SYS_mq_timedreceive, SYS_mq_notify,
    SYS_mq_getsetattr,
    // asynchronous input and output
    SYS_io_setup, SYS_io_submit, SYS_io_getevents, SYS_io_cancel, SYS_io_destroy,
    // sandboxes that programs build for themselves
    SYS_seccomp, SYS_landlock_create_ruleset, SYS_landlock_add_rule, SYS_landlock_restrict_self,
    // calls that another filter answers
    SYS_clone3,
    // calls that the libc crate has no names for: io_pgetevents, cachestat, map_shadow_stack, futex_wake, futex_wait, futex_requeue
    333, 451, 453, 454, 455, 456,
];

/// What comes with a capability (capabilities(7)).
pub(super) const WITH: &[(CapabilitySet, &[i64])] = &[
    (
        CapabilitySet::SYS_ADMIN,
        &[
            SYS_mount,
            SYS_umount2,
            SYS_pivot_root,
            SYS_move_mount,
            SYS_open_tree,
            SYS_fsopen,
            SYS_fsconfig,
            SYS_fsmount,
            SYS_fspick,
            SYS_mount_setattr,
            SYS_clone,
            SYS_unshare,
            SYS_setns,
            SYS_sethostname,
            SYS_setdomainname,
            SYS_quotactl,
            SYS_quotactl_fd,
            SYS_name_to_handle_at,
            SYS_fanotify_init,
            SYS_fanotify_mark,
            SYS_lookup_dcookie,
            SYS_bpf,
            SYS_perf_event_open,
        ],
    ),
    (CapabilitySet::DAC_READ_SEARCH, &[SYS_open_by_handle_at, SYS_name_to_handle_at]),
    (CapabilitySet::SYS_CHROOT, &[SYS_chroot]),
    (
        CapabilitySet::SYS_PTRACE,
        &[SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_pidfd_getfd, SYS_kcmp],
    ),
    (CapabilitySet::SYS_TIME, &[SYS_settimeofday, SYS_clock_settime]),
    (CapabilitySet::SYS_MODULE, &[SYS_init_module, SYS_finit_module, SYS_delete_module]),
    (CapabilitySet::SYS_BOOT, &[SYS_reboot, SYS_kexec_load, SYS_kexec_file_load]),
    (CapabilitySet::SYS_RAWIO, &[SYS_iopl, SYS_ioperm]),
    (CapabilitySet::SYS_PACCT, &[SYS_acct]),
    (CapabilitySet::SYS_TTY_CONFIG, &[SYS_vhangup]),
    (CapabilitySet::SYSLOG, &[SYS_syslog]),
    (CapabilitySet::BPF, &[SYS_bpf]),
    (CapabilitySet::PERFMON, &[SYS_perf_event_open]),
];
