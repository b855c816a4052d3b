//! What knobs read of this host.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tailbed_format::settings::{KernelThread, Settings};
use tailbed_plan::check::sources;
use tailbed_plan::knob::{THREADS, files};

use super::record::{absent, matching, reason, text};
use super::stat::{FLAGS, PF_KTHREAD, PRIORITY, field};

/// Looks at the files and threads that knobs are planned by.
pub(super) fn probe() -> Settings {
    let mut settings = Settings { threads: threads(Path::new("/proc")), ..Settings::default() };
    for (path, file) in files().into_iter().flat_map(|pattern| matching(Path::new("/"), pattern)) {
        take(&mut settings, path, &file);
    }
    settings
}

fn take(settings: &mut Settings, path: String, file: &Path) {
    // reading a device means something to it
    let device = path.starts_with("/dev/");
    let said = if device { file.metadata().map(|_| String::new()) } else { text(file, sources::LONGEST) };
    let fixed = file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o222 == 0);
    match said {
        Ok(text) => drop(settings.files.insert(path.clone(), text.trim_end().to_owned())),
        Err(error) if absent(&error) => return,
        Err(error) => drop(settings.refused.insert(path.clone(), reason(&error))),
    }
    if fixed {
        settings.fixed.insert(path);
    }
}

/// A thread that the kernel lets nobody move (include/linux/sched.h).
const PF_NO_SETAFFINITY: u32 = 0x0400_0000;

fn threads(proc: &Path) -> Vec<KernelThread> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let processes = entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let mut threads: Vec<KernelThread> = processes.filter_map(|process| thread(&process.path())).collect();
    threads.sort_by(|one, other| (&one.name, &one.cpus).cmp(&(&other.name, &other.cpus)));
    threads
}

fn thread(process: &Path) -> Option<KernelThread> {
    let name = fs::read_to_string(process.join("comm")).ok()?.trim_end().to_owned();
    if !THREADS.iter().any(|start| name.starts_with(start)) {
        return None;
    }
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let flags: u32 = field(&stat, FLAGS)?.parse().ok()?;
    let priority = field(&stat, PRIORITY)?.parse().ok()?;
    let status = fs::read_to_string(process.join("status")).ok()?;
    let cpus = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.trim().to_owned();
    (flags & PF_KTHREAD != 0).then_some(KernelThread { name, cpus, bound: flags & PF_NO_SETAFFINITY != 0, priority })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_tells_of_its_settings() {
        let settings = probe();
        assert!(settings.text("/sys/devices/system/cpu/online").is_some_and(|cpus| cpus.starts_with('0')), "{settings:?}");
        assert!(settings.has("/proc/sys/vm/swappiness"));
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn a_file_that_nobody_may_write_to_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("knob");
        fs::write(&file, "1\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        let mut settings = Settings::default();
        take(&mut settings, "/knob".to_owned(), &file);
        take(&mut settings, "/absent".to_owned(), &folder.path().join("absent"));
        assert_eq!(settings.text("/knob"), Some("1"));
        assert!(settings.fixed.contains("/knob") && !settings.has("/absent"));
    }
}
