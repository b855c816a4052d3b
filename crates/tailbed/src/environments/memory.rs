//! Whether more memory can be promised than there is.

use super::seen::Seen;
use super::{Answer, Feature};

/// Limits of containers are upper bounds and reserve nothing; a guest's memory is the emulator's own, which the kernel gives when it is
/// touched, unless it may not promise it (vm.overcommit_memory).
pub(super) fn overcommit(seen: &Seen) -> Feature {
    let swap = match seen.swap {
        0 => "no swap, so what is over is killed".to_owned(),
        kib => format!("{} MiB of swap", kib >> 10),
    };
    let limit =
        |kind: &str| seen.of(kind, seen.no_controller("memory"), format!("limits may add up to more than there is; {swap}"));
    let strict =
        || (seen.overcommit == "2").then(|| "vm.overcommit_memory is 2: the kernel promises no more than there is".to_owned());
    let merging = if seen.same_page_merging { "equal pages are merged (KSM)" } else { "equal pages are not merged (KSM is off)" };
    Feature {
        name: "memory over-commit",
        answers: [
            Answer::unless(strict(), format!("vm.overcommit_memory is {}; {swap}", seen.overcommit)),
            limit("container"),
            limit("lxc"),
            limit("docker"),
            seen.of(
                "vm",
                strict(),
                format!(
                    "guests touch their memory as they need it, unless it is preallocated or of huge pages; {merging}; {swap}"
                ),
            ),
        ],
    }
}
