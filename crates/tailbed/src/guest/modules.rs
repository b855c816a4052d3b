//! Loading the modules that came with us, in their order.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use anyhow::Context;
use rustix::io::Errno;
use rustix::system::finit_module;

/// Where they lie: each file is named by its place in the order, a hyphen and the module's name.
pub(crate) const FOLDER: &str = "/modules";

/// Loads them, each with what the kernel's command line says for it (`module.parameter=value`).
pub(super) fn load_all() -> anyhow::Result<()> {
    let mut files: Vec<PathBuf> = match fs::read_dir(FOLDER) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).context("cannot list the modules"),
    };
    files.sort();
    let command_line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    for path in files {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = stem.split_once('-').map_or(stem.as_str(), |(_, name)| name);
        let file = File::open(&path).with_context(|| format!("cannot open the module {name}"))?;
        let parameters = CString::new(parameters(&command_line, name)).unwrap_or_default();
        match finit_module(&file, &parameters, 0) {
            // built in, or loaded already
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).with_context(|| format!("the kernel does not take the module {name}")),
        }
    }
    Ok(())
}

/// The parameters of a module; in names, a hyphen is as good as an underscore.
fn parameters(command_line: &str, name: &str) -> String {
    let of_this = command_line.split_whitespace().filter_map(|word| {
        let (module, parameter) = word.split_once('.')?;
        (module.replace('-', "_") == name).then_some(parameter)
    });
    of_this.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_gets_its_own_parameters() {
        let line = "quiet virtio-net.napi_tx=0 virtio_net.csum=1 loop.max_loop=1 -- guest\n";
        assert_eq!(parameters(line, "virtio_net"), "napi_tx=0 csum=1");
        assert_eq!(parameters(line, "virtio"), "");
    }
}
