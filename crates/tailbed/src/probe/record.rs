//! A record of this host: the files that `check` judges, as they are now.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use tailbed_plan::check::record::{Calls, Record};
use tailbed_plan::check::sources;

/// The most of a kernel's configuration that is read, bytes; they have some 300 kB.
const LONGEST_CONFIG: u64 = 4 << 20;

/// Looks at this host.
pub(crate) fn record() -> Record {
    let facts = super::facts();
    let calls = Calls {
        machine: rustix::system::uname().machine().to_string_lossy().into_owned(),
        euid: Some(rustix::process::geteuid().as_raw()),
        running: running(Path::new("/proc")),
        engines: facts.engines,
        kvm: facts.kvm,
    };
    below(Path::new("/"), calls)
}

/// Reads the files below a root.
fn below(root: &Path, calls: Calls) -> Record {
    let mut record = Record { tailbed: env!("CARGO_PKG_VERSION").to_owned(), calls, ..Record::default() };
    for (path, file) in sources::FILES.iter().flat_map(|pattern| matching(root, pattern)) {
        take(&mut record, &path, text(&file, sources::LONGEST));
    }
    for (path, file) in sources::MARKS.iter().flat_map(|pattern| matching(root, pattern)) {
        if file.symlink_metadata().is_ok() {
            record.files.insert(path, String::new());
        }
    }
    for (path, file) in sources::LINKS.iter().flat_map(|pattern| matching(root, pattern)) {
        if let Some(name) = fs::read_link(&file).ok().as_deref().and_then(Path::file_name) {
            record.links.insert(path, name.to_string_lossy().into_owned());
        }
    }
    config(root, &mut record);
    record
}

/// Keeps what a file says, or why it does not; one that is not there leaves no trace.
fn take(record: &mut Record, path: &str, text: io::Result<String>) {
    match text {
        Ok(text) => drop(record.files.insert(path.to_owned(), sources::kept(path, &text))),
        Err(error) if absent(&error) => {}
        Err(error) => drop(record.refused.insert(path.to_owned(), reason(&error))),
    }
}

pub(super) fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory)
}

/// The kernel's words, without the number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// A file's text as far as it is read; what is no UTF-8 is replaced.
pub(super) fn text(file: &Path, longest: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(longest).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The paths of a pattern that may be there, with the files that they stand for; `*` stands for any part of a path, or the rest of one.
pub(super) fn matching(root: &Path, pattern: &str) -> Vec<(String, PathBuf)> {
    let mut found = vec![(String::new(), root.to_path_buf())];
    for part in pattern.split('/').skip(1) {
        found = found.into_iter().flat_map(|(path, file)| next(&path, &file, part)).collect();
    }
    found
}

fn next(path: &str, file: &Path, part: &str) -> Vec<(String, PathBuf)> {
    let Some(before) = part.strip_suffix('*') else {
        return vec![(format!("{path}/{part}"), file.join(part))];
    };
    let entries = fs::read_dir(file).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| name.starts_with(before));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.into_iter().map(|name| (format!("{path}/{name}"), file.join(name))).collect()
}

/// The kernel's configuration: its own words, else those kept beside its image.
fn config(root: &Path, record: &mut Record) {
    let inside = |path: &str| root.join(path.trim_start_matches('/'));
    let unpacked = |file: PathBuf| {
        let mut text = String::new();
        GzDecoder::new(File::open(file)?).take(LONGEST_CONFIG).read_to_string(&mut text)?;
        Ok(text)
    };
    take(record, sources::CONFIG, unpacked(inside(sources::CONFIG)));
    let Some(release) = record.text("/proc/sys/kernel/osrelease").map(str::to_owned) else { return };
    // a release is a file's name and nothing that climbs
    if !record.files.contains_key(sources::CONFIG) && !release.contains('/') {
        let path = format!("{}{release}", sources::CONFIG_BESIDE);
        take(record, &path, text(&inside(&path), LONGEST_CONFIG));
    }
}

/// Of the programs that are asked after, those that run (`comm` of proc_pid_comm(5)).
fn running(proc: &Path) -> Vec<String> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let processes = entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let names = processes.filter_map(|process| fs::read_to_string(process.path().join("comm")).ok());
    let known = names.filter(|name| sources::PROGRAMS.contains(&name.trim())).map(|name| name.trim().to_owned());
    known.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn write(root: &Path, path: &str, text: impl AsRef<[u8]>) {
        let file = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn what_lies_below_a_root_is_read_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "/sys/devices/system/cpu/online", "0-1\n");
        write(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
        write(root, "/proc/cpuinfo", "processor\t: 0\n\nprocessor\t: 1\n");
        write(root, "/proc/sys/kernel/osrelease", "6.1.0\n");
        write(root, "/boot/config-6.1.0", "CONFIG_HZ=250\nCONFIG_NOBODY_ASKS=y\n");
        write(root, "/proc/version", b"Linux \xff\xfe");
        write(root, "/sys/class/net/eth0/device/msi_irqs/30", "msix");
        fs::create_dir_all(root.join("sys/class/net/eth0/device/driver-of")).unwrap();
        std::os::unix::fs::symlink("../../bus/drivers/ixgbe", root.join("sys/class/net/eth0/device/driver")).unwrap();
        let record = below(root, Calls::default());
        assert_eq!(record.text("/sys/devices/system/cpu/online"), Some("0-1"));
        assert_eq!(record.text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), Some("powersave"));
        assert_eq!(record.text("/proc/cpuinfo"), Some("processor\t: 0"));
        assert_eq!(record.text("/boot/config-6.1.0"), Some("CONFIG_HZ=250"));
        assert_eq!(record.text("/proc/version"), Some("Linux \u{fffd}\u{fffd}"));
        assert_eq!(record.links.get("/sys/class/net/eth0/device/driver").map(String::as_str), Some("ixgbe"));
        assert!(record.has("/sys/class/net/eth0/device/msi_irqs/30"));
        assert_eq!((record.files.len(), record.links.len(), record.refused.len()), (7, 1, 0), "{record:?}");
    }

    #[test]
    fn a_configuration_in_the_kernel_is_unpacked_and_one_that_is_garbled_is_told() {
        let root = tempfile::tempdir().unwrap();
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(b"CONFIG_HZ=1000\n# CONFIG_NO_HZ_FULL is not set\n").unwrap();
        let packed = packed.finish().unwrap();
        write(root.path(), sources::CONFIG, &packed);
        assert_eq!(below(root.path(), Calls::default()).text(sources::CONFIG), Some("CONFIG_HZ=1000"));
        write(root.path(), sources::CONFIG, &packed[..12]);
        assert!(below(root.path(), Calls::default()).refused.contains_key(sources::CONFIG));
    }

    #[test]
    fn this_host_is_read_and_its_record_is_read_again() {
        let record = record();
        assert!(record.list("/sys/devices/system/cpu/online").is_some_and(|cpus| cpus.contains(&0)), "{record:?}");
        assert_eq!(Record::parse(&record.to_text().unwrap()).unwrap(), record);
    }
}
