//! The file itself.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use tailbed_format::memory::Geometry;

use super::layout::Pair;
use super::mapping::Mapping;
use super::needed;

/// Writes two empty rings into a file that is long enough for them, and all zeroes.
///
/// # Errors
/// When the geometry is out of range, the file is too short, or it cannot be mapped.
pub fn lay_out(file: &File, geometry: Geometry) -> io::Result<()> {
    let Geometry { slots, slot } = geometry;
    if !geometry.is_valid() {
        return Err(io::Error::other(format!("{slots} slots of {slot} bytes are not to be had")));
    }
    let mapping = Mapping::of(file)?;
    if (mapping.length() as u64) < needed(geometry) {
        return Err(io::Error::other(format!("{} bytes are too few for {slots} slots of {slot} bytes", mapping.length())));
    }
    Pair::write(&mapping, geometry);
    Ok(())
}

/// Opens it for reading and writing. In a virtual machine it is the memory of a PCI device, whose file in sysfs is called `resource2`
/// (Documentation/PCI/sysfs-pci.rst; docs/specs/ivshmem-spec.rst of QEMU): no driver has switched the device on, so this does.
pub(super) fn open(path: &str) -> io::Result<File> {
    let path = Path::new(path);
    if path.file_name().is_some_and(|name| name == "resource2") {
        std::fs::write(path.with_file_name("enable"), "1")?;
    }
    OpenOptions::new().read(true).write(true).open(path)
}
