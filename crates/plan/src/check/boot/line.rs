//! What to add to the command line, and how the boot loader is told.

use serde::Serialize;

use super::{Parameter, Score, State, pages};
use crate::check::cores::Cores;
use crate::check::host::{Host, Kin};

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
    (!add.is_empty()).then(|| Line { loader, how: how(host, loader, &add, &remove, &of_ours(host, scores)), add, remove })
}

/// All that the sets want here, for a file that takes the place of an earlier one: what is to be added, and what is there as it stands.
fn of_ours(host: &Host<'_>, scores: &[Score]) -> String {
    let mut all: Vec<String> = Vec::new();
    for parameter in scores.iter().flat_map(|score| &score.parameters) {
        let words = match parameter.state {
            State::There => standing(host, parameter),
            State::Missing | State::Unknown(_) | State::Contradicted(_) => vec![parameter.wanted.clone()],
            State::NotHere(_) | State::LeftOut(_) => Vec::new(),
        };
        // sizes and numbers of huge pages come together, once, and a size may be the same for two numbers
        if !words.iter().all(|word| all.contains(word)) {
            all.extend(words);
        }
    }
    all.join(" ")
}

/// A parameter's words as they stand on the command line, once: what somebody has said elsewhere is there twice when the file says it as
/// well. As it is wanted, where they hold what a shell might take for its own.
fn standing(host: &Host<'_>, parameter: &Parameter) -> Vec<String> {
    let name = parameter.wanted.split('=').next().unwrap_or_default();
    let words = if pages::NAMES.contains(&name) {
        pages::words(host)
    } else {
        // the last mention is the one that counts
        host.parameter(name).map(|value| word(name, value)).into_iter().collect()
    };
    let plain = |word: &String| word.chars().all(|c| c.is_ascii_alphanumeric() || "._,:=-".contains(c));
    if words.iter().all(plain) { words } else { vec![parameter.wanted.clone()] }
}

pub(super) fn word(name: &str, value: Option<&str>) -> String {
    value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}"))
}

/// The loader that has left files in /boot; GRUB where none has.
fn found(host: &Host<'_>) -> Loader {
    let grub = ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/etc/default/grub"];
    let is_systemd = host.record.has("/boot/loader/loader.conf") && !grub.iter().any(|file| host.record.has(file));
    if is_systemd { Loader::SystemdBoot } else { Loader::Grub }
}

fn how(host: &Host<'_>, loader: Loader, add: &str, remove: &[String], ours: &str) -> Vec<String> {
    let whole = whole(host, add, remove);
    let mut lines = Vec::new();
    match loader {
        Loader::Grub => {
            lines.extend(grub(host, add, remove, ours));
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
            let (kernel, initrd) = match host.kin() {
                Kin::Debian => ("\"/boot/vmlinuz-$(uname -r)\"", "\"/boot/initrd.img-$(uname -r)\""),
                Kin::Fedora => ("\"/boot/vmlinuz-$(uname -r)\"", "\"/boot/initramfs-$(uname -r).img\""),
                Kin::Other => {
                    lines.push("# KERNEL and INITRD stand for the names that this distribution gives them in /boot".to_owned());
                    ("/boot/KERNEL", "/boot/INITRD")
                }
            };
            lines.push(format!("kexec --load {kernel} --initrd={initrd} {line}"));
            lines.push("systemctl kexec  # for this one boot; the boot loader's own line stays as it is".to_owned());
        }
    }
    lines
}

/// How GRUB is told: by grubby(8) where that is, by a file of ours among those that Debian's grub-mkconfig(8) reads, else by hand.
fn grub(host: &Host<'_>, add: &str, remove: &[String], ours: &str) -> Vec<String> {
    const BY_HAND: &str = "/etc/default/grub";
    let take_out = (!remove.is_empty()).then(|| format!("# take out of GRUB_CMDLINE_LINUX… in {BY_HAND}: {}", remove.join(" ")));
    match host.kin() {
        Kin::Fedora => {
            let removed = if remove.is_empty() { String::new() } else { format!("--remove-args={} ", quoted(&remove.join(" "))) };
            vec![format!("grubby --update-kernel=ALL {removed}--args={}", quoted(add))]
        }
        Kin::Debian => {
            let assignment = format!("GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT {ours}\"");
            let write = [
                "mkdir -p /etc/default/grub.d".to_owned(),
                format!("echo {} > /etc/default/grub.d/tailbed.cfg", quoted(&assignment)),
                "update-grub".to_owned(),
            ];
            take_out.into_iter().chain(write).collect()
        }
        Kin::Other => {
            let second = "/boot/grub2/grub.cfg";
            let make = if host.record.has(second) {
                format!("grub2-mkconfig -o {second}")
            } else {
                "grub-mkconfig -o /boot/grub/grub.cfg".to_owned()
            };
            let put_in = format!("# add to GRUB_CMDLINE_LINUX in {BY_HAND}: {add}");
            take_out.into_iter().chain([put_in, make]).collect()
        }
    }
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
