//! A child process that becomes a program.
//!
//! It is made with clone(2), `CLONE_VM` and `CLONE_VFORK`, as posix_spawn(3) of glibc does. A fork(2) would copy the page tables and
//! write-protect all memory of this process: a packet loop besides would fault on every page it writes to afterwards. posix_spawn(3)
//! itself knows neither of a controlling terminal nor of a signal for when the parent dies.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::thread::CpuSet;

use super::lookup::Image;
use super::memory_file::SCRIPT;

/// What a child's descriptors are.
pub(super) struct Descriptors<'a> {
    pub(super) input: BorrowedFd<'a>,
    pub(super) output: BorrowedFd<'a>,
    pub(super) error: BorrowedFd<'a>,
    /// Comes to be [`SCRIPT`].
    pub(super) script: Option<BorrowedFd<'a>>,
    /// The three are a terminal, which is to be the controlling one.
    pub(super) terminal: bool,
}

/// A child that runs, or is a zombie until it is waited for.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pid: i32,
    /// Readable once it has ended (pidfd_open(2)).
    pub(super) descriptor: OwnedFd,
}

/// What the child needs: all of it is made before, for it must not allocate.
struct Plan {
    file: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    descriptors: [c_int; 3],
    script: c_int,
    terminal: bool,
    cpus: libc::cpu_set_t,
    confined: bool,
    parent: libc::pid_t,
    /// Written by the child when it cannot become the program.
    errno: c_int,
}

/// Descriptors below this are not ours to keep in the child.
const LOW: c_int = 10;

/// Room for the child's few calls until it has memory of its own.
const STACK: usize = 64 << 10;

/// Starts a program in a session of its own: ordinary priority, these cores, default signals, killed when the calling thread ends.
pub(super) fn start(image: &Image, descriptors: &Descriptors<'_>, cpus: &CpuSet) -> io::Result<Child> {
    // Out of the way of the numbers they are to have.
    let moved = [descriptors.input, descriptors.output, descriptors.error]
        .into_iter()
        .chain(descriptors.script)
        .map(|descriptor| fcntl_dupfd_cloexec(descriptor, LOW))
        .collect::<Result<Vec<_>, _>>()?;
    let numbers: Vec<c_int> = moved.iter().map(AsRawFd::as_raw_fd).collect();
    let pointers = |strings: &[std::ffi::CString]| -> Vec<*const c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(&image.arguments), pointers(&image.environment));
    let mut plan = Plan {
        file: image.file.as_ptr(),
        arguments: arguments.as_ptr(),
        environment: environment.as_ptr(),
        descriptors: [numbers[0], numbers[1], numbers[2]],
        script: numbers.get(3).copied().unwrap_or(-1),
        terminal: descriptors.terminal,
        cpus: mask(cpus),
        confined: cpus.count() > 0,
        // SAFETY: no arguments, no memory.
        parent: unsafe { libc::getpid() },
        errno: 0,
    };
    let (pid, descriptor) = clone(&mut plan)?;
    let child = Child { pid, descriptor };
    if plan.errno == 0 {
        return Ok(child);
    }
    // It has ended again without becoming the program, and nobody else knows of it.
    let _ = super::children::wait_for(&child);
    Err(io::Error::from_raw_os_error(plan.errno))
}

fn mask(cpus: &CpuSet) -> libc::cpu_set_t {
    // SAFETY: all zeros is the empty set.
    let mut mask: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for cpu in (0..CpuSet::MAX_CPU).filter(|&cpu| cpus.is_set(cpu)) {
        // SAFETY: below MAX_CPU, which is the size of the set.
        unsafe { libc::CPU_SET(cpu, &mut mask) };
    }
    mask
}

/// Makes the child and comes back once it has become the program or has ended.
fn clone(plan: &mut Plan) -> io::Result<(i32, OwnedFd)> {
    let mut stack = vec![0u128; STACK / size_of::<u128>()];
    let mut descriptor: c_int = -1;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    // SAFETY: all zeros is a set of signals, which sigfillset then fills.
    let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    // SAFETY: `become_the_program` runs on `stack`, whose end is aligned to 16 bytes, and reads `plan`; both outlive it, because
    // CLONE_VFORK holds this thread until the child has executed another program or ended. Signals are blocked meanwhile, so that no
    // handler of ours runs in the child on our memory. `descriptor` is where CLONE_PIDFD writes.
    let (pid, error) = unsafe {
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, &raw mut before);
        let top = stack.as_mut_ptr_range().end.cast::<c_void>();
        let pid = libc::clone(become_the_program, top, flags, ptr::from_mut(plan).cast(), &raw mut descriptor);
        let error = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut());
        (pid, error)
    };
    if pid < 0 {
        return Err(error);
    }
    // SAFETY: the kernel has just opened it for us.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// The child, on our memory: nothing but system calls.
extern "C" fn become_the_program(plan: *mut c_void) -> c_int {
    let plan = plan.cast::<Plan>();
    // SAFETY: `start` made the plan, and the thread that did is held until we are done with it. All calls here are safe to make after
    // a clone (signal-safety(7)): none allocates or takes a lock.
    unsafe {
        let settled = settle(&*plan);
        if settled {
            libc::execve((*plan).file, (*plan).arguments, (*plan).environment);
        }
        (*plan).errno = *libc::__errno_location();
        libc::_exit(127)
    }
}

/// Everything between the clone and the program; says whether all went well, else errno does.
///
/// # Safety
/// To be called in a fresh child only: it changes the whole process.
unsafe fn settle(plan: &Plan) -> bool {
    // SAFETY: system calls on our own process; the pointers are to locals or into the plan.
    unsafe {
        // handler, flags, restorer and mask as the kernel has them: glibc keeps some signals for itself, and would leave them ignored
        let default = [0u64; 4];
        for signal in 1..=64 {
            // refused for those that cannot be handled, which have their default
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), ptr::null::<u64>(), size_of::<u64>());
        }
        if libc::setsid() < 0 || libc::prctl(libc::PR_SET_PDEATHSIG, libc::c_ulong::from(libc::SIGKILL.cast_unsigned())) < 0 {
            return false;
        }
        if libc::getppid() != plan.parent {
            libc::_exit(127);
        }
        let ordinary: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const ordinary);
        if plan.confined {
            // the kernel may have taken cores away since; then the others are as good
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const plan.cpus);
        }
        for (number, descriptor) in (0..).zip(plan.descriptors) {
            if libc::dup2(descriptor, number) < 0 {
                return false;
            }
        }
        if plan.terminal && libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
            return false;
        }
        // Kernels before 5.9 lack the call; ours are all close-on-exec anyway.
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
        if plan.script >= 0 && libc::dup2(plan.script, SCRIPT) < 0 {
            return false;
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
    true
}
