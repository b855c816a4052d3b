use super::*;

/// Answers as the kernel would: runs a filter on the words it sees of a call (struct seccomp_data of linux/seccomp.h).
fn answer(program: &BpfProgram, architecture: u32, call: i64, first: u64) -> u32 {
    let (low, high) = (u32::try_from(first & 0xffff_ffff).unwrap(), u32::try_from(first >> 32).unwrap());
    let data = [u32::try_from(call).unwrap(), architecture, 0, 0, low, high];
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let instruction = &program[at];
        let k = instruction.k;
        at += 1;
        let jump = |taken: bool| usize::from(if taken { instruction.jt } else { instruction.jf });
        match instruction.code {
            0x20 => accumulator = data[k as usize / 4],
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => at += jump(accumulator == k),
            RETURN => return k,
            other => panic!("an instruction this test does not know: {other:#x}"),
        }
    }
}

const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const REFUSED: u32 = libc::SECCOMP_RET_ERRNO | 1;

#[test]
fn what_is_not_on_the_list_is_refused_and_nothing_is_killed() {
    let filter = allowed(CapabilitySet::NET_RAW).unwrap();
    let allow = [libc::SYS_read, libc::SYS_execve, libc::SYS_sched_setscheduler, libc::SYS_mlockall, libc::SYS_timerfd_create];
    for call in allow {
        assert_eq!(answer(&filter, X86_64, call, 0), libc::SECCOMP_RET_ALLOW, "{call}");
    }
    let refuse = [
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_ptrace,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_bpf,
        libc::SYS_keyctl,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_clock_settime,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_perf_event_open,
        libc::SYS_open_by_handle_at,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        // the x32 ABI's read
        0x4000_0000,
        5000,
    ];
    for call in refuse {
        assert_eq!(answer(&filter, X86_64, call, 0), REFUSED, "{call}");
    }
    assert_eq!(answer(&filter, I386, 3, 0), REFUSED, "read of the 32-bit ABI");
    assert!(filter.iter().all(|instruction| instruction.code != RETURN || instruction.k != libc::SECCOMP_RET_KILL_PROCESS));
}

#[test]
fn arguments_decide_where_they_must() {
    let filter = allowed(CapabilitySet::NET_RAW).unwrap();
    let thread = libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND;
    let user_namespace = libc::CLONE_NEWUSER | libc::SIGCHLD;
    let clone = |flags: i32| answer(&filter, X86_64, libc::SYS_clone, flags.unsigned_abs().into());
    assert_eq!((clone(thread), clone(user_namespace)), (libc::SECCOMP_RET_ALLOW, REFUSED));
    let socket = |family: i32| answer(&filter, X86_64, libc::SYS_socket, family.unsigned_abs().into());
    assert_eq!((socket(libc::AF_PACKET), socket(libc::AF_VSOCK)), (libc::SECCOMP_RET_ALLOW, REFUSED));
    assert_eq!(answer(&filter, X86_64, libc::SYS_personality, 0xffff_ffff), libc::SECCOMP_RET_ALLOW);
    assert_eq!(answer(&filter, X86_64, libc::SYS_personality, 0x40_0000), REFUSED);
    let missing = answer(&not_there().unwrap(), X86_64, libc::SYS_clone3, 0);
    assert_eq!(missing, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs());
}

#[test]
fn a_capability_brings_the_calls_it_is_for() {
    let filter = allowed(CapabilitySet::SYS_ADMIN | CapabilitySet::SYS_TIME).unwrap();
    for call in [libc::SYS_mount, libc::SYS_unshare, libc::SYS_clock_settime] {
        assert_eq!(answer(&filter, X86_64, call, 0), libc::SECCOMP_RET_ALLOW, "{call}");
    }
    assert_eq!(answer(&filter, X86_64, libc::SYS_clone, libc::CLONE_NEWNET.unsigned_abs().into()), libc::SECCOMP_RET_ALLOW);
    assert_eq!(answer(&filter, X86_64, libc::SYS_init_module, 0), REFUSED);
}
