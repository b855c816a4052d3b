//! What to add to the command line, and how the boot loader is told.

use serde::Serialize;

use super::{Score, State};
use crate::check::cores::Cores;
use crate::check::host::Host;

/// What hands the kernel its command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loader {
    /// GNU GRUB.
    Grub,
    /// systemd-boot(7), its entries made by kernel-install(8).
    SystemdBoot,
    /// kexec(8): from the running kernel, without the firmware, and for one boot only.
    Kexec,
}

/// What to add, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What hands the kernel its command line.
    pub loader: Loader,
    /// Parameters to add, with spaces between.
    pub add: String,
    /// Parameters that are there and contradict them.
    pub remove: Vec<String>,
    /// Commands that do it; a line that is none begins with `#`.
    pub how: Vec<String>,
}

/// What to add of the sets; `None` where nothing is missing, or there is no core to add it for.
pub(super) fn line(host: &Host<'_>, cores: &Cores, scores: &[Score], loader: Option<Loader>) -> Option<Line> {
    if cores.chosen.is_empty() {
        return None;
    }
    let mut add: Vec<&str> = Vec::new();
    let mut remove: Vec<String> = Vec::new();
    for parameter in scores.iter().flat_map(|score| &score.parameters) {
        let wanted = match &parameter.state {
            State::Missing | State::Unknown(_) => true,
            State::Contradicted(_) => {
                let name = parameter.wanted.split('=').next().unwrap_or_default();
                let found = host.parameters.iter().filter(|(found, _)| *found == name);
                remove.extend(found.map(|(name, value)| word(name, *value)));
                true
            }
            State::There | State::NotHere(_) | State::LeftOut(_) => false,
        };
        if wanted && !add.contains(&parameter.wanted.as_str()) {
            add.push(&parameter.wanted);
        }
    }
    remove.sort();
    remove.dedup();
    let add = add.join(" ");
    let loader = loader.unwrap_or_else(|| found(host));
    (!add.is_empty()).then(|| Line { loader, how: how(host, loader, &add, &remove), add, remove })
}

fn word(name: &str, value: Option<&str>) -> String {
    value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}"))
}

/// The loader that has left files in /boot; GRUB where none has.
fn found(host: &Host<'_>) -> Loader {
    let grub = ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/etc/default/grub"];
    let is_systemd = host.record.has("/boot/loader/loader.conf") && !grub.iter().any(|file| host.record.has(file));
    if is_systemd { Loader::SystemdBoot } else { Loader::Grub }
}

fn how(host: &Host<'_>, loader: Loader, add: &str, remove: &[String]) -> Vec<String> {
    let whole = whole(host, add, remove);
    let mut lines = Vec::new();
    match loader {
        Loader::Grub => {
            // os-release(5): what the distribution is, and is like
            let release = host.record.text("/etc/os-release").unwrap_or_default();
            let kin = |names: &[&str]| {
                let words = release.lines().filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")));
                words.flat_map(|line| line.trim_matches('"').split(' ')).any(|word| names.contains(&word))
            };
            let red = kin(&["fedora", "rhel", "centos"]);
            if red {
                let removed =
                    if remove.is_empty() { String::new() } else { format!("--remove-args={} ", quoted(&remove.join(" "))) };
                lines.push(format!("grubby --update-kernel=ALL {removed}--args={}", quoted(add)));
            } else {
                if !remove.is_empty() {
                    lines.push(format!("# take out of GRUB_CMDLINE_LINUX… in /etc/default/grub: {}", remove.join(" ")));
                }
                let assignment = format!("GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT {add}\"");
                lines.push("mkdir -p /etc/default/grub.d".to_owned());
                lines.push(format!("echo {} > /etc/default/grub.d/tailbed.cfg", quoted(&assignment)));
                lines.push("update-grub".to_owned());
            }
            lines.push("reboot".to_owned());
        }
        Loader::SystemdBoot => {
            match whole {
                Some(whole) => lines.push(format!("echo {} > /etc/kernel/cmdline", quoted(&whole))),
                None => lines.push(format!("# append to /etc/kernel/cmdline: {add}")),
            }
            lines.push("kernel-install add \"$(uname -r)\" \"/boot/vmlinuz-$(uname -r)\"".to_owned());
            lines.push("reboot".to_owned());
        }
        Loader::Kexec => {
            let line = match whole {
                Some(whole) => format!("--command-line={}", quoted(&whole)),
                None => format!("--reuse-cmdline --append={}", quoted(add)),
            };
            lines.push(format!("kexec --load \"/boot/vmlinuz-$(uname -r)\" --initrd=\"/boot/initrd.img-$(uname -r)\" {line}"));
            lines.push("systemctl kexec  # for this one boot; the boot loader's own line stays as it is".to_owned());
        }
    }
    lines
}

/// The whole command line as it should be: without what the boot loader puts there by itself. `None` where the one in force is not known.
fn whole(host: &Host<'_>, add: &str, remove: &[String]) -> Option<String> {
    let line = host.command_line()?;
    let by_loader = |name: &str| ["BOOT_IMAGE", "initrd"].contains(&name);
    let words = host.parameters.iter().filter(|(name, _)| !by_loader(name)).map(|(name, value)| word(name, *value));
    let kept: Vec<String> = words.filter(|word| !remove.contains(word)).collect();
    let (before, init) = (kept.join(" "), line.split_once(" -- ").map(|(_, init)| format!(" -- {init}")).unwrap_or_default());
    Some(format!("{before} {add}{init}").trim_start().to_owned())
}

/// For the shell: between single quotes, where only those end it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
