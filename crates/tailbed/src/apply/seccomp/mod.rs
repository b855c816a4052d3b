//! The system calls a container may make: a filter that the agent loads as its first act, so that everything it starts inherits it.
//!
//! What is not on the list fails with EPERM and kills nothing (seccomp(2)). Calls of another ABI, the 32-bit one for one, all fail: their
//! numbers mean other calls. Privileges that a container was given on purpose bring the calls that are useless without them.

mod calls;

use std::collections::BTreeMap;

use anyhow::Context;
use rustix::thread::CapabilitySet;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
    apply_filter,
};

use self::calls::{ALWAYS, WITH};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Confines this process and all that it will start. It must not have started a thread yet.
pub(super) fn load() -> anyhow::Result<()> {
    let held = rustix::thread::capabilities(None).context("cannot read this process's capabilities")?.permitted;
    for filter in [allowed(held)?, not_there()?] {
        apply_filter(&filter).context("cannot load the seccomp filter; seccomp = \"unconfined\" does without")?;
    }
    Ok(())
}

/// Namespaces that clone(2) may make.
const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// Execution domains that change nothing but what uname(2) says, and the question which one it is (personality(2)).
const PERSONALITIES: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// The filter that lets through what is on the list, and some calls by their arguments.
fn allowed(held: CapabilitySet) -> anyhow::Result<BpfProgram> {
    let mut rules: Rules = ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
    if !held.contains(CapabilitySet::SYS_ADMIN) {
        let makes_no_namespace = SeccompCmpOp::MaskedEq(NAMESPACES.unsigned_abs().into());
        rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![condition(0, makes_no_namespace, 0)?])?]);
    }
    let personalities = PERSONALITIES.iter().map(|&domain| Ok(SeccompRule::new(vec![condition(0, SeccompCmpOp::Eq, domain)?])?));
    rules.insert(libc::SYS_personality, personalities.collect::<anyhow::Result<_>>()?);
    // sockets to the hypervisor, which no namespace holds, and to the kernel's ciphers
    let socket = [libc::AF_VSOCK, libc::AF_ALG].map(|family| condition(0, SeccompCmpOp::Ne, family.unsigned_abs().into()));
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(socket.into_iter().collect::<anyhow::Result<_>>()?)?]);
    for (_, calls) in WITH.iter().filter(|(capability, _)| held.contains(*capability)) {
        rules.extend(calls.iter().map(|call| (*call, Vec::new())));
    }
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    program(SeccompFilter::new(rules, refused, SeccompAction::Allow, TargetArch::x86_64)?)
}

/// The filter for calls whose callers know another way when the kernel has them not: clone3(2) takes its flags from memory, where no filter
/// can read them, and the C library then uses clone(2).
fn not_there() -> anyhow::Result<BpfProgram> {
    let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let missing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    program(SeccompFilter::new(rules, SeccompAction::Allow, missing, TargetArch::x86_64)?)
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> anyhow::Result<SeccompCondition> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?)
}

/// BPF_RET | BPF_K of linux/bpf_common.h.
const RETURN: u16 = 0x06;

/// Compiles a filter. The compiler ends a process that uses another ABI; here such calls are refused like others.
fn program(filter: SeccompFilter) -> anyhow::Result<BpfProgram> {
    let mut program = BpfProgram::try_from(filter)?;
    for instruction in &mut program {
        if instruction.code == RETURN && instruction.k == libc::SECCOMP_RET_KILL_PROCESS {
            instruction.k = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();
        }
    }
    Ok(program)
}

#[cfg(test)]
mod tests;
