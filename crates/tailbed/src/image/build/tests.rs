use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::fs::{XattrFlags, setxattr};

use super::archive::{self, MADE, Since};
use super::steps::{Steps, Stopped};
use super::{contents, publish};
use crate::image::unpack::{Kind, Root, apply};

fn steps(stop: bool) -> Steps {
    Steps::new(1, Arc::new(AtomicBool::new(stop)))
}

fn fill(folder: &Path) {
    let long = "a-name-that-is-longer-than-the-hundred-bytes-that-the-header-of-a-tar-archive-has-room-for-without-extensions";
    fs::create_dir_all(folder.join("usr/lib")).unwrap();
    fs::write(folder.join("usr/lib/x"), b"content").unwrap();
    fs::hard_link(folder.join("usr/lib/x"), folder.join("another")).unwrap();
    fs::write(folder.join(long), b"long").unwrap();
    symlink(long, folder.join("link")).unwrap();
    setxattr(folder.join("another"), "user.note", b"kept", XattrFlags::empty()).unwrap();
}

fn archived(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    archive::write(folder, &mut bytes, &steps(false)).unwrap();
    bytes
}

#[test]
fn the_same_files_give_the_same_archive_and_come_back_from_it() {
    let (one, other, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let since = Since::now().unwrap();
    for folder in [&one, &other] {
        fill(folder.path());
        archive::settle(folder.path(), &since).unwrap();
    }
    let bytes = archived(one.path());
    assert_eq!(bytes, archived(other.path()));
    assert_eq!(fs::metadata(one.path().join("usr")).unwrap().mtime(), MADE);
    apply(bytes.as_slice(), &Root::open(back.path()).unwrap(), Kind::Whole).unwrap();
    assert_eq!(archived(back.path()), bytes);
    let inode = |name: &str| fs::metadata(back.path().join(name)).unwrap().ino();
    assert_eq!(inode("another"), inode("usr/lib/x"));
}

#[test]
fn times_that_packages_brought_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("old")).unwrap();
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    file.set_modified(old).unwrap();
    archive::settle(folder.path(), &Since::now().unwrap()).unwrap();
    assert_eq!(fs::metadata(folder.path().join("old")).unwrap().modified().unwrap(), old);
}

#[test]
fn who_stops_a_build_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let error = archive::write(folder.path(), std::io::sink(), &steps(true)).unwrap_err();
    assert!(error.downcast_ref::<Stopped>().is_some());
    let mut sleep = std::process::Command::new("sleep");
    let error = steps(true).run(sleep.arg("1000"), "sleep").unwrap_err();
    assert!(error.downcast_ref::<Stopped>().is_some());
}

#[test]
fn a_program_that_fails_is_quoted() {
    let mut shell = std::process::Command::new("sh");
    let error = steps(false).run(shell.args(["-c", "echo out; echo err >&2; exit 3"]), "the shell").unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("the shell ended with exit status: 3") && error.contains("out") && error.contains("err"), "{error}");
}

#[test]
fn a_file_is_put_through_links_that_stay_inside() {
    let (rootfs, host) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir_all(rootfs.path().join("usr/bin")).unwrap();
    symlink("usr/bin", rootfs.path().join("bin")).unwrap();
    fs::create_dir(host.path().join("folder")).unwrap();
    fs::write(host.path().join("folder/a"), b"a").unwrap();
    contents::put(rootfs.path(), "/bin/tool", &host.path().join("folder/a"), &steps(false)).unwrap();
    contents::put(rootfs.path(), "/srv/data", &host.path().join("folder"), &steps(false)).unwrap();
    assert_eq!(fs::read(rootfs.path().join("usr/bin/tool")).unwrap(), b"a");
    assert_eq!(fs::read(rootfs.path().join("srv/data/a")).unwrap(), b"a");
}

#[test]
fn nothing_but_an_image_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    assert!(publish::place(Some(&out), "x").is_ok());
    fs::create_dir(&out).unwrap();
    assert!(publish::place(Some(&out), "x").is_ok());
    fs::write(out.join("thesis.tex"), b"").unwrap();
    let refused = publish::place(Some(&out), "x").unwrap_err();
    assert_eq!(refused.exit_code(), 2);
}
