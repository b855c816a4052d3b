//! Images: one recipe, several forms, the same files in each.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{Lab, lab, system};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/images");

/// Whether the programs that make images are there; where they must be and are not, the test fails.
pub(crate) fn tools(names: &[&str]) -> bool {
    let installed =
        |name: &str| ["/bin", "/usr/bin", "/usr/sbin", "/sbin"].iter().any(|folder| Path::new(folder).join(name).exists());
    let Some(missing) = names.iter().find(|name| !installed(name)) else { return true };
    let required = std::env::var_os("TAILBED_REQUIRE_HOST_TESTS").is_some_and(|value| value == "1");
    assert!(!required, "this test needs {missing}, and TAILBED_REQUIRE_HOST_TESTS=1 does not let it be skipped");
    println!("skipped: {missing} is not installed");
    false
}

/// The program under test without what debuggers need of it: it goes into images whole.
pub(crate) fn stripped(lab: &Lab) -> PathBuf {
    let path = lab.path("tailbed");
    system(&format!("strip -o {} {}", path.display(), env!("CARGO_BIN_EXE_tailbed")));
    path
}

pub(crate) fn build(lab: &Lab, binary: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary);
    command.args(["image", "build"]).args(arguments).current_dir(lab.folder.path()).env("TAILBED_CACHE", lab.path("cache"));
    command.output().unwrap()
}

pub(crate) fn built(output: &Output) -> Value {
    assert!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every path with its mode, owner, and the digest of its content or what it links to.
fn files(folder: &Path) -> BTreeMap<PathBuf, (u32, u32, String)> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let content = if metadata.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_string().unwrap()
        } else if metadata.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            String::new()
        } else {
            digest(&path)
        };
        found.insert(path.strip_prefix(folder).unwrap().to_owned(), (metadata.mode(), metadata.uid(), content));
    }
    found.remove(Path::new(""));
    found
}

fn digest(path: &Path) -> String {
    let digest = Sha256::digest(fs::read(path).unwrap());
    digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn names(files: &BTreeMap<PathBuf, (u32, u32, String)>) -> Vec<&str> {
    files.keys().map(|path| path.to_str().unwrap()).collect()
}

/// The layers of an OCI layout, as an index of archives leads to them.
pub(crate) fn layer(layout: &Path) -> PathBuf {
    let read = |path: PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let blob = |digest: &Value| layout.join("blobs").join(digest.as_str().unwrap().replace(':', "/"));
    let index = read(layout.join("index.json"));
    let manifest = read(blob(&index["manifests"][0]["digest"]));
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    blob(&manifest["layers"][0]["digest"])
}

fn unpacked(lab: &Lab, name: &str, archive: &Path) -> BTreeMap<PathBuf, (u32, u32, String)> {
    let folder = lab.path(name);
    fs::create_dir(&folder).unwrap();
    system(&format!(
        "tar --extract --numeric-owner --same-owner -p --file {} --directory {}",
        archive.display(),
        folder.display()
    ));
    files(&folder)
}

/// The files of a virtual machine's disk, without mounting it.
fn on_disk(lab: &Lab, image: &Path) -> BTreeMap<PathBuf, (u32, u32, String)> {
    let (raw, folder) = (lab.path("disk.raw"), lab.path("disk"));
    system(&format!("qemu-img check -q {0} && qemu-img convert -O raw {0} {1}", image.display(), raw.display()));
    system(&format!("PATH=$PATH:/sbin:/usr/sbin; e2fsck -fn {} >/dev/null 2>&1", raw.display()));
    fs::create_dir(&folder).unwrap();
    let dump = format!("PATH=$PATH:/sbin:/usr/sbin; debugfs -R 'rdump / {}' {} 2>/dev/null", folder.display(), raw.display());
    system(&dump);
    let mut files = files(&folder);
    files.remove(Path::new("lost+found"));
    // what debugfs copies out loses the sticky bit; asked, it says the whole mode
    let stat =
        format!("PATH=$PATH:/sbin:/usr/sbin; debugfs -R 'stat /tmp' {} 2>/dev/null | grep -q 'Mode: *01777'", raw.display());
    system(&stat);
    if let Some(tmp) = files.get_mut(Path::new("tmp")) {
        tmp.0 |= 0o1000;
    }
    files
}

/// A root file system, `few`, with a file of each kind and mode that is told apart.
fn few_files(lab: &Lab) {
    system(&format!(
        "cd {} && mkdir -p few/etc few/bin few/tmp && chmod 1777 few/tmp && cp /bin/busybox few/bin && ln -s busybox few/bin/sh && \
         ln few/bin/busybox few/bin/ls && echo welcome > few/etc/motd && chmod 600 few/etc/motd && chown 12:34 few/etc/motd",
        lab.folder.path().display()
    ));
}

#[test]
fn every_form_of_an_image_holds_the_same_files_and_the_second_build_is_cached() {
    let Some(lab) = lab() else { return };
    if !tools(&["strip", "xz", "mkfs.ext4", "qemu-img"]) {
        return;
    }
    let binary = stripped(&lab);
    fs::write(lab.path("motd"), "welcome\n").unwrap();
    fs::set_permissions(lab.path("motd"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(lab.path("small.toml"), "name = \"small\"\nbase = \"scratch\"\n[files]\n\"/etc/motd\" = \"motd\"\n").unwrap();
    let first = built(&build(&lab, &binary, &["small.toml", "--json"]));
    assert_eq!(first["cached"], false);
    let image = lab.path("small.image");

    let rootfs = unpacked(&lab, "from-rootfs", &image.join("rootfs.tar.gz"));
    assert_eq!(names(&rootfs), ["dev", "etc", "etc/motd", "proc", "sys", "tailbed", "tmp"]);
    assert_eq!(rootfs[Path::new("tailbed")].2, digest(&binary));
    assert_eq!((rootfs[Path::new("etc/motd")].0 & 0o7777, rootfs[Path::new("etc/motd")].1), (0o600, 0));
    assert_eq!(unpacked(&lab, "from-oci", &layer(&image.join("oci"))), rootfs);
    assert_eq!(unpacked(&lab, "from-lxc", &image.join("lxc/rootfs.tar.xz")), rootfs);
    assert_eq!(on_disk(&lab, &image.join("vm.qcow2")), rootfs);
    assert!(names(&unpacked(&lab, "lxc-metadata", &image.join("lxc/metadata.tar.xz"))).contains(&"config"));

    let second = built(&build(&lab, &binary, &["small.toml", "--json"]));
    assert_eq!(second["cached"], true);
    assert_eq!(second["image"], first["image"]);
    // the same files give the same layer, however often it is made; without the program, which takes long to compress
    few_files(&lab);
    fs::write(lab.path("few.toml"), "name = \"few\"\nbase = \"./few\"\n[files]\n\"/etc/issue\" = \"motd\"\n").unwrap();
    let first = built(&build(&lab, &binary, &["few.toml", "--json"]));
    let layer_name = || layer(&lab.path("few.image/oci")).file_name().unwrap().to_owned();
    let before = layer_name();
    let fresh = built(&build(&lab, &binary, &["few.toml", "--json", "--fresh"]));
    assert_eq!((&fresh["cached"], layer_name()), (&Value::Bool(false), before));
    fs::write(lab.path("motd"), "changed\n").unwrap();
    let changed = built(&build(&lab, &binary, &["few.toml", "--json"]));
    assert_eq!(changed["cached"], false);
    assert_ne!(changed["image"]["digest"], first["image"]["digest"]);
    let left: Vec<_> = fs::read_dir(lab.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn an_image_is_built_upon_another_in_whatever_form_that_is() {
    let Some(lab) = lab() else { return };
    if !tools(&["strip", "xz"]) {
        return;
    }
    let binary = stripped(&lab);
    few_files(&lab);
    fs::write(lab.path("small.toml"), "name = \"small\"\nbase = \"./few\"\n").unwrap();
    built(&build(&lab, &binary, &["small.toml", "--json", "--without", "vm"]));
    // as `docker save` writes it, made by hand
    let small = lab.path("small.image");
    let saved = lab.path("saved");
    fs::create_dir_all(saved.join("0")).unwrap();
    system(&format!("gzip -dc {} > {}/0/layer.tar", small.join("rootfs.tar.gz").display(), saved.display()));
    let digest = digest(&saved.join("0/layer.tar"));
    let config =
        format!(r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["sha256:{digest}"]}}}}"#);
    fs::write(saved.join("c.json"), config).unwrap();
    fs::write(saved.join("manifest.json"), r#"[{"Config":"c.json","RepoTags":null,"Layers":["0/layer.tar"]}]"#).unwrap();
    system(&format!("tar --create --file {}.tar --directory {} .", saved.display(), saved.display()));
    let mut layers = Vec::new();
    for (name, base) in [
        ("output", "./small.image"),
        ("layout", "./small.image/oci"),
        ("lxc", "./small.image/lxc"),
        ("tarball", "./small.image/rootfs.tar.gz"),
        ("saved", "./saved.tar"),
        ("folder", "./folder"),
    ] {
        if base == "./folder" {
            fs::create_dir(lab.path("folder")).unwrap();
            system(&format!("tar -xpf {} -C {}", small.join("rootfs.tar.gz").display(), lab.path("folder").display()));
        }
        fs::write(lab.path("next.toml"), format!("name = \"{name}\"\nbase = \"{base}\"\n")).unwrap();
        built(&build(&lab, &binary, &["next.toml", "--json", "--without", "vm", "--without", "lxc"]));
        layers.push(layer(&lab.path(&format!("{name}.image/oci"))).file_name().unwrap().to_owned());
    }
    let original = layer(&small.join("oci")).file_name().unwrap().to_owned();
    assert_eq!(layers, vec![original; 6], "every form gives back the very same files");
}

#[test]
fn the_example_of_busybox_runs_its_script_inside() {
    let Some(lab) = lab() else { return };
    if !tools(&["strip", "busybox", "xz", "mkfs.ext4", "qemu-img"]) {
        return;
    }
    let binary = stripped(&lab);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    built(&build(&lab, &binary, &[&format!("{EXAMPLES}/busybox.toml"), "--json"]));
    assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);
    let rootfs = unpacked(&lab, "rootfs", &lab.path("busybox.image/rootfs.tar.gz"));
    assert_eq!(rootfs[Path::new("bin/ls")].2, "/bin/busybox");
    assert!(rootfs.keys().all(|path| !path.starts_with("dev") || path == Path::new("dev")), "devices of the host");
    let oci = layer(&lab.path("busybox.image/oci"));
    assert_eq!(oci.extension(), None);
    let list = Command::new(&binary).args(["image", "ls"]).env("TAILBED_CACHE", lab.path("cache")).output().unwrap();
    assert!(String::from_utf8(list.stdout).unwrap().contains("busybox"));
    let removed = Command::new(&binary).args(["image", "rm", "--all"]).env("TAILBED_CACHE", lab.path("cache")).output().unwrap();
    assert_eq!(String::from_utf8(removed.stdout).unwrap(), "1 removed\n");
}

#[test]
fn a_build_that_fails_or_is_killed_leaves_nothing() {
    let Some(lab) = lab() else { return };
    if !tools(&["strip", "busybox"]) {
        return;
    }
    let binary = stripped(&lab);
    let recipe = |script: &str| {
        let text =
            format!("name = \"b\"\nbase = \"scratch\"\nscript = '''{script}'''\n[files]\n\"/bin/sh\" = \"/bin/busybox\"\n");
        fs::write(lab.path("b.toml"), text).unwrap();
    };
    let cache = || {
        let entries = fs::read_dir(lab.path("cache/builds")).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| name != ".lock").collect::<Vec<_>>()
    };
    let without = ["b.toml", "--without", "vm", "--without", "lxc"];
    recipe("echo this is why; exit 7");
    let output = build(&lab, &binary, &without);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("this is why") && errors.contains("exit status: 7"), "{errors}");
    assert!(cache().is_empty() && !lab.path("b.image").exists());

    // killed in the middle of its script: what runs inside ends with it, and the next build removes the rest
    let marker = format!("{}", 100_000 + std::process::id());
    recipe(&format!("sleep {marker}"));
    let mut command = Command::new(&binary);
    command.args(["image", "build"]).args(without).current_dir(lab.folder.path()).env("TAILBED_CACHE", lab.path("cache"));
    let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    crate::interrupted::wait_for(|| running(&marker).then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    crate::interrupted::wait_for(|| (!running(&marker)).then_some(()));
    assert_eq!(cache().len(), 1, "what was half made");
    recipe("true");
    let output = build(&lab, &binary, &without);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(cache().iter().all(|name| !name.starts_with('.')), "{:?}", cache());
}

/// Whether a `sleep` of this length runs.
fn running(seconds: &str) -> bool {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    pids.into_iter()
        .any(|pid| fs::read(pid.path().join("cmdline")).is_ok_and(|line| line == format!("sleep\0{seconds}\0").as_bytes()))
}
