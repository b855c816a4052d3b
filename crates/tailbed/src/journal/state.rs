//! Where journals live while their run is under way.

use std::path::PathBuf;

use anyhow::Context;

/// The state folder, made when it is not there: `/var/lib/tailbed` for root (file-hierarchy(7)), below `$XDG_STATE_HOME` for others,
/// `$TAILBED_STATE` when set.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = if let Some(folder) = variable("TAILBED_STATE") {
        folder
    } else if rustix::process::geteuid().is_root() && !crate::user_namespace::entered() {
        PathBuf::from("/var/lib/tailbed")
    } else {
        let state = variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")));
        state.context("neither XDG_STATE_HOME nor HOME is set; set TAILBED_STATE to a folder for the journal")?.join("tailbed")
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the state folder {}", folder.display()))?;
    Ok(folder)
}
