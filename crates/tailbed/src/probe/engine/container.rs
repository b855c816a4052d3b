//! Containers need nothing but the kernel: their runtime is part of this binary.

use tailbed_format::facts::{Missing, Privilege};

/// What containers lack here.
pub(super) fn missing(privilege: Privilege) -> Option<Missing> {
    (!privilege.root && !privilege.user_namespaces).then(|| {
        super::missing(
            "containers need root or an unprivileged user namespace, and this host allows neither",
            "run tailbed as root, or allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1 or \
             user.max_user_namespaces)",
        )
    })
}
