//! What is said of each host of `tests/recorded-hosts`, word for word, and that no record, however garbled, is more than can be judged.

#![allow(clippy::disallowed_methods, reason = "planning reads no files, its tests do")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use tailbed_plan::check::cpus::parse_list;
use tailbed_plan::check::finding::Level;
use tailbed_plan::check::record::Record;
use tailbed_plan::check::{Advice, Loader, State, Wishes, check, show};

/// The hosts, read once.
static HOSTS: LazyLock<BTreeMap<String, Record>> = LazyLock::new(|| {
    let records = texts().into_iter().map(|(name, text)| (name, Record::parse(&text).unwrap()));
    records.collect()
});

/// Hosts by name, as they were recorded.
fn texts() -> BTreeMap<String, String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/recorded-hosts"));
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.map(|file| (file.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&file).unwrap())).collect()
}

fn advice(host: &str, wishes: &Wishes) -> Advice {
    check(&HOSTS[host], wishes).unwrap()
}

/// Cores asked for, and a loader.
fn wishes(cores: &str, boot: Loader) -> Wishes {
    Wishes { cores: Some(parse_list(cores).unwrap()), boot: Some(boot) }
}

fn commands(advice: &Advice) -> String {
    advice.line.as_ref().unwrap().how.join("\n")
}

#[test]
fn each_host_is_told_what_its_golden_file_says() {
    assert!(HOSTS.len() >= 12, "only {} hosts", HOSTS.len());
    for (name, record) in HOSTS.iter() {
        let shown = show(&check(record, &Wishes::default()).unwrap(), 100);
        insta::with_settings!({ snapshot_path => "snapshots/check", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.as_str(), shown);
        });
    }
}

#[test]
fn findings_are_ordered_by_effect_and_each_that_costs_says_why_and_what_to_do() {
    for name in HOSTS.keys() {
        let advice = advice(name, &Wishes::default());
        let effects: Vec<_> =
            advice.findings.iter().map(|finding| (finding.level, finding.cost.as_ref().map(|cost| cost.effect))).collect();
        assert!(effects.is_sorted(), "{name}: {effects:?}");
        for finding in &advice.findings {
            let costs = matches!(finding.level, Level::Serious | Level::Notable | Level::Minor);
            assert_eq!(finding.cost.is_some(), costs, "{name}: {finding:?}");
            let cost = finding.cost.as_ref();
            assert!(cost.is_none_or(|cost| !cost.why.is_empty() && !cost.source.is_empty()), "{name}: {finding:?}");
            assert!(!costs || !finding.to_do.is_empty() && !finding.read.is_empty(), "{name}: {finding:?}");
        }
    }
}

#[test]
fn text_stays_within_its_columns_but_for_what_is_to_be_typed() {
    for name in HOSTS.keys() {
        let shown = show(&advice(name, &Wishes::default()), 100);
        let typed = |line: &str| {
            let line = line.trim_start();
            line.starts_with("$ ") || line.starts_with("boot with: ") || line.starts_with('#') || !line.contains(' ')
        };
        let advice = advice(name, &Wishes::default());
        let add = advice.line.map_or_else(String::new, |line| line.add);
        for line in shown.lines().filter(|line| line.chars().count() > 100) {
            assert!(typed(line) || line == add, "{name}: {line}");
        }
    }
}

#[test]
fn a_tuned_host_has_all_parameters_there_and_nothing_serious() {
    let advice = advice("smt-off", &Wishes::default());
    assert_eq!(advice.count(Level::Serious), 0, "{:?}", advice.findings);
    for score in advice.scores.iter().filter(|score| score.name != "kernel configuration") {
        assert_eq!(score.there, score.of, "{score:?}");
    }
    assert_eq!(advice.line, None);
}

#[test]
fn cores_are_proposed_near_the_card_on_whole_cores_of_the_fast_kind() {
    assert_eq!(advice("laptop-hybrid", &Wishes::default()).cores, "2,4,6");
    // node 2 has the fast card; its CPUs are 16 to 23 and their siblings
    assert_eq!(advice("epyc-nps4", &Wishes::default()).cores, "17-23");
    assert_eq!(advice("container-in-container", &Wishes::default()).cores, "3-5");
    assert_eq!(advice("smt-on", &Wishes::default()).cores, "2-3");
    assert_eq!(advice("offline-cpus", &Wishes::default()).cores, "2,6");
    assert_eq!(advice("empty-files", &Wishes::default()).cores, "");
}

#[test]
fn a_command_line_that_contradicts_is_told_and_put_right() {
    let advice = advice("smt-on", &wishes("4-7", Loader::Grub));
    let states: BTreeMap<_, _> = advice.scores[..2]
        .iter()
        .flat_map(|score| &score.parameters)
        .map(|parameter| (parameter.wanted.as_str(), &parameter.state))
        .collect();
    assert_eq!(states["nohz=on"], &State::Contradicted("nohz=off".to_owned()));
    assert_eq!(states["nohz_full=4-7"], &State::There);
    assert_eq!(states["isolcpus=managed_irq,domain,4-7"], &State::Contradicted("isolcpus=2-3".to_owned()));
    assert!(matches!(states["audit=0"], State::LeftOut(_)));
    let line = advice.line.unwrap();
    assert_eq!(line.remove, ["isolcpus=2-3", "nohz=off"]);
    assert!(
        line.how[0].starts_with("grubby --update-kernel=ALL --remove-args='isolcpus=2-3 nohz=off' --args='mce="),
        "{:?}",
        line.how
    );
    assert!(!line.add.contains("nohz_full") && !line.add.contains("apparmor"), "{}", line.add);
}

/// The host of that name with another command line.
fn booted_with(host: &str, line: &str) -> Record {
    let mut record = HOSTS[host].clone();
    record.files.insert("/proc/cmdline".to_owned(), line.to_owned());
    record
}

#[test]
fn huge_pages_that_are_asked_for_at_boot_are_kept() {
    let asked = "hugepagesz=1G hugepages=16 hugepagesz=2M hugepages=0:512,1:512";
    for boot in [Loader::Grub, Loader::SystemdBoot, Loader::Kexec] {
        let advice = check(&booted_with("epyc-nps4", &format!("root=/dev/sda1 {asked} ro")), &wishes("17-23", boot)).unwrap();
        let set = advice.scores.iter().find(|score| score.name == "command line for virtual systems").unwrap();
        let pages: Vec<_> = set.parameters.iter().filter(|parameter| parameter.wanted.starts_with("hugepages")).collect();
        assert!(pages.len() == 2 && pages.iter().all(|parameter| parameter.state == State::There), "{pages:?}");
        let line = advice.line.unwrap();
        assert!(line.remove.is_empty() && !line.add.contains("hugepages"), "{line:?}");
        assert!(boot == Loader::Grub || line.how.join("\n").contains(asked), "{line:?}");
    }
}

#[test]
fn lists_of_the_command_line_may_say_the_last_cpu_and_all() {
    let line = "nohz_full=17-N rcu_nocbs=all isolcpus=managed_irq,domain,17-N irqaffinity=0-3";
    let advice = check(&booted_with("epyc-nps4", line), &wishes("17-23", Loader::Grub)).unwrap();
    let parameters = advice.scores.iter().flat_map(|score| &score.parameters);
    for parameter in parameters.filter(|parameter| line.contains(parameter.wanted.split('=').next().unwrap())) {
        assert!(!matches!(parameter.state, State::Contradicted(_)), "{parameter:?}");
    }
    let topic = |topic: &str| advice.findings.iter().find(|finding| finding.topic == topic).unwrap().level;
    assert_eq!(topic("RCU callbacks"), Level::Fine);
}

#[test]
fn the_line_comes_in_the_form_of_each_boot_loader() {
    let grub = commands(&advice("epyc-nps4", &wishes("17-23", Loader::Grub)));
    assert!(grub.contains("/etc/default/grub.d/tailbed.cfg") && grub.contains("nohz_full=17-23"), "{grub}");
    let boot = commands(&advice("epyc-nps4", &wishes("17-23", Loader::SystemdBoot)));
    assert!(boot.starts_with("echo 'root=UUID=") && boot.contains("> /etc/kernel/cmdline\nkernel-install add"), "{boot}");
    let kexec = commands(&advice("epyc-nps4", &wishes("17-23", Loader::Kexec)));
    assert!(kexec.contains("--command-line='root=UUID=") && kexec.ends_with("stays as it is"), "{kexec}");
    assert!([grub, boot, kexec].iter().all(|text| !text.contains("BOOT_IMAGE")));
}

/// A file that takes the place of an earlier one would otherwise lose what that one had brought.
#[test]
fn the_file_for_grub_holds_all_that_is_wanted() {
    let first = advice("epyc-nps4", &wishes("17-23", Loader::Grub)).line.unwrap();
    let without = first.add.replace("nohz=on ", "").replace("hugepages=4096", "hugepages=0:64,1:64");
    assert_ne!(first.add, without);
    let second =
        check(&booted_with("epyc-nps4", &format!("root=/dev/sda1 {without} ro {without}")), &wishes("17-23", Loader::Grub));
    let line = second.unwrap().line.unwrap();
    assert_eq!((line.add.as_str(), line.remove.len()), ("nohz=on", 0));
    let file = line.how.iter().find(|line| line.contains("> /etc/default/grub.d/tailbed.cfg")).unwrap();
    for word in first.add.split(' ').filter(|word| !word.starts_with("hugepages=")).chain(["hugepages=0:64,1:64"]) {
        assert_eq!(file.matches(&format!(" {word}")).count(), 1, "{word}: {file}");
    }
    assert!(!file.contains("root="), "{file}");
    // a word that a shell would run is no value of these
    let hostile = check(&booted_with("epyc-nps4", "nosoftlockup=`reboot`"), &wishes("17-23", Loader::Grub)).unwrap();
    assert!(!hostile.line.unwrap().how.iter().any(|line| line.contains('`')));
}

#[test]
fn advice_is_of_the_distributions_own_files() {
    let said = |release: &str, boot| {
        let mut record = HOSTS["epyc-nps4"].clone();
        record.files.insert("/etc/os-release".to_owned(), release.to_owned());
        let advice = check(&record, &wishes("17-23", boot)).unwrap();
        (commands(&advice), show(&advice, 100))
    };
    let has = |release: &str, boot, words: &[&str], others: &[&str]| {
        let (line, all) = said(release, boot);
        assert!(words.iter().all(|word| line.contains(word) || all.contains(word)), "{release}: {line}");
        assert!(!others.iter().any(|word| all.contains(word)), "{release}: {line}");
    };
    let debian = ["grub.d/tailbed.cfg", "update-grub", "linux-image-rt-amd64", "/etc/default/irqbalance"];
    let red = ["grubby --update-kernel", "dnf install kernel-rt", "/etc/sysconfig/irqbalance"];
    let by_hand = ["add to GRUB_CMDLINE_LINUX in /etc/default/grub: ", "\ngrub-mkconfig -o /boot/grub/grub.cfg"];
    has("ID=debian", Loader::Grub, &debian, &red);
    has("ID=ubuntu\nID_LIKE=debian", Loader::Grub, &["update-grub", "pro enable"], &["linux-image-rt"]);
    has("ID='rocky'\nID_LIKE='rhel centos fedora'", Loader::Grub, &red, &debian);
    has("ID=arch", Loader::Grub, &by_hand, &[&debian[..], &red[..]].concat());
    has("", Loader::Grub, &by_hand, &[&debian[..], &red[..]].concat());
    has("ID=debian", Loader::Kexec, &["--initrd=\"/boot/initrd.img-$(uname -r)\""], &["initramfs"]);
    has("ID=fedora", Loader::Kexec, &["--initrd=\"/boot/initramfs-$(uname -r).img\""], &["initrd.img"]);
    has("ID=arch", Loader::Kexec, &["--initrd=/boot/INITRD"], &["uname"]);
}

#[test]
fn cores_that_cannot_be_had_are_refused_with_those_that_can() {
    let error = |cores: &str| check(&HOSTS["offline-cpus"], &wishes(cores, Loader::Grub)).unwrap_err();
    assert_eq!(error("2-5"), "--cores names 4-5, which does not run here; the CPUs that run are 0-3,6");
    assert!(error("0-3,6").contains("leave one that keeps the house"));
    assert!(error("").starts_with("--cores names no core"));
}

#[test]
fn what_cannot_be_read_is_told_and_not_guessed() {
    let advice = advice("empty-files", &Wishes::default());
    assert!(advice.count(Level::Unknown) > 5, "{:?}", advice.findings);
    let record = Record { tailbed: "0".to_owned(), ..Record::default() };
    let nothing = check(&record, &Wishes::default()).unwrap();
    assert!(nothing.findings.iter().any(|finding| finding.is.contains("there is no /proc/cpuinfo")), "{:?}", nothing.findings);
}

/// A way to spoil a record.
#[derive(Debug, Clone)]
enum Spoiled {
    /// The file is gone.
    Gone,
    /// It cannot be read.
    Refused,
    /// It ends early, after so many bytes.
    Cut(usize),
    /// It says something else.
    Says(String),
    /// A number stands in the place of each of its numbers.
    Number(String),
}

fn spoiled() -> impl Strategy<Value = Spoiled> {
    let numbers =
        ["0", "-1", "8191", "8192", "4294967296", "9223372036854775807", "-9223372036854775808", "18446744073709551616"];
    prop_oneof![
        Just(Spoiled::Gone),
        Just(Spoiled::Refused),
        any::<prop::sample::Index>().prop_map(|at| Spoiled::Cut(at.index(200))),
        any::<String>().prop_map(Spoiled::Says),
        "[0-9,:/ ()\\[\\]=a-f\n-]{0,60}".prop_map(Spoiled::Says),
        prop::sample::select(numbers.to_vec()).prop_map(|number| Spoiled::Number(number.to_owned())),
    ]
}

fn spoil(record: &mut Record, path: &str, how: &Spoiled) {
    let Some(text) = record.files.get(path).cloned() else { return };
    let new = match how {
        Spoiled::Gone => None,
        Spoiled::Refused => {
            record.refused.insert(path.to_owned(), "permission denied".to_owned());
            None
        }
        Spoiled::Cut(at) => Some(text.chars().take(*at).collect()),
        Spoiled::Says(other) => Some(other.clone()),
        Spoiled::Number(number) => {
            let parts = text.split_inclusive(|c: char| !c.is_ascii_digit());
            Some(parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit())).collect::<Vec<_>>().join(number))
        }
    };
    record.files.remove(path);
    record.files.extend(new.map(|new| (path.to_owned(), new)));
}

proptest! {
    #[test]
    fn no_record_is_more_than_can_be_judged(
        host in any::<prop::sample::Index>(),
        spoils in prop::collection::vec((any::<prop::sample::Index>(), spoiled()), 0..40),
        cores in prop::option::of(prop::collection::btree_set(0usize..20, 0..5)),
        width in 0usize..200,
    ) {
        let mut record = HOSTS.values().nth(host.index(HOSTS.len())).unwrap().clone();
        let paths: Vec<String> = record.files.keys().cloned().collect();
        for (path, how) in &spoils {
            spoil(&mut record, &paths[path.index(paths.len())], how);
        }
        for boot in [None, Some(Loader::Grub), Some(Loader::SystemdBoot), Some(Loader::Kexec)] {
            if let Ok(advice) = check(&record, &Wishes { cores: cores.clone(), boot }) {
                let shown = show(&advice, width);
                prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown}");
                prop_assert!(shown.len() < 200_000);
            }
        }
    }

    #[test]
    fn a_record_whose_bytes_were_changed_is_read_or_refused(
        host in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = texts().into_values().nth(host.index(HOSTS.len())).unwrap().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(record) = Record::parse(&String::from_utf8_lossy(&bytes))
            && let Ok(advice) = check(&record, &Wishes::default())
        {
            prop_assert!(!show(&advice, 100).is_empty());
            prop_assert_eq!(Record::parse(&record.to_text().unwrap()).unwrap(), record);
        }
    }
}
