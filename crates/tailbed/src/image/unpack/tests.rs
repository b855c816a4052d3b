use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::{Unpacked, unpack_into};
use crate::image::cache::{Cache, has_all_users};
use crate::image::digest;

/// An entry of an archive: its name, kind, what it links to, and its content.
type Entry<'a> = (&'a str, EntryType, &'a str, &'a [u8]);

const FILE: EntryType = EntryType::Regular;
const FOLDER: EntryType = EntryType::Directory;

fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, link, content) in entries {
        let mut header = Header::new_ustar();
        header.set_entry_type(*kind);
        header.set_mode(if kind.is_dir() { 0o750 } else { 0o640 });
        header.set_mtime(1_000_000_000);
        header.set_size(content.len() as u64);
        // not through the builder, which refuses names that the tests are about
        let fields = header.as_ustar_mut().unwrap();
        fields.name[..name.len()].copy_from_slice(name.as_bytes());
        fields.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 0).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

struct Place {
    folder: TempDir,
    cache: Cache,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(&folder.path().join("cache")).unwrap();
        Self { folder, cache }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn unpack(&self, path: &Path) -> anyhow::Result<Unpacked> {
        unpack_into(&self.cache, path)
    }

    /// What the cache's folder holds, notes and the lock aside.
    fn in_cache(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("cache")).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name != ".lock" && !name.starts_with(".known-")).collect()
    }

    /// The error of an image that must be refused, with nothing left behind.
    fn refused(&self, path: &Path) -> String {
        let error = self.unpack(path).expect_err(&path.display().to_string());
        assert_eq!(self.in_cache(), Vec::<String>::new());
        format!("{error:#}")
    }

    /// Writes an OCI layout of layers, each with its archive and as it is stored.
    fn layout(&self, layers: &[(Vec<u8>, Vec<u8>)]) -> PathBuf {
        let blob = |bytes: &[u8]| {
            let digest = digest::of(bytes);
            self.write(&format!("layout/blobs/sha256/{digest}"), bytes);
            json!({ "digest": format!("sha256:{digest}"), "size": bytes.len() })
        };
        let described = |mut descriptor: Value, kind: &str| {
            descriptor["mediaType"] = json!(format!("application/vnd.oci.image.{kind}"));
            descriptor
        };
        let config = configuration(&layers.iter().map(|(plain, _)| plain.as_slice()).collect::<Vec<_>>());
        let config = described(blob(config.to_string().as_bytes()), "config.v1+json");
        let layers: Vec<_> = layers.iter().map(|(_, stored)| described(blob(stored), "layer.v1.tar")).collect();
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
        let manifest = described(blob(manifest.to_string().as_bytes()), "manifest.v1+json");
        self.write("layout/index.json", json!({ "schemaVersion": 2, "manifests": [manifest] }).to_string().as_bytes());
        self.write("layout/oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}");
        self.folder.path().join("layout")
    }
}

fn configuration(layers: &[&[u8]]) -> Value {
    let digests: Vec<_> = layers.iter().map(|layer| format!("sha256:{}", digest::of(layer))).collect();
    json!({
        "architecture": "amd64", "os": "linux",
        "config": { "Env": ["A=b"], "WorkingDir": "/srv", "Entrypoint": ["/bin/a"], "Cmd": ["-b"] },
        "rootfs": { "type": "layers", "diff_ids": digests },
    })
}

/// An archive as `docker save` writes it.
fn saved(layers: &[&[u8]]) -> Vec<u8> {
    let configuration = configuration(layers).to_string();
    let names: Vec<_> = (0..layers.len()).map(|number| format!("{number}/layer.tar")).collect();
    let manifest = json!([{ "Config": "abc.json", "RepoTags": ["x:latest"], "Layers": names }]).to_string();
    let mut entries: Vec<Entry<'_>> = vec![("abc.json", FILE, "", configuration.as_bytes())];
    entries.extend(names.iter().zip(layers).map(|(name, layer)| (name.as_str(), FILE, "", *layer)));
    entries.push(("manifest.json", FILE, "", manifest.as_bytes()));
    archive(&entries)
}

fn lower() -> Vec<u8> {
    archive(&[
        ("./", FOLDER, "", b""),
        ("etc/", FOLDER, "", b""),
        ("etc/kept", FILE, "", b"kept"),
        ("etc/gone", FILE, "", b"gone"),
        ("opaque/", FOLDER, "", b""),
        ("opaque/old", FILE, "", b"old"),
        ("opaque/deep/old", FILE, "", b"old"),
        ("turned", FOLDER, "", b""),
        ("turned/x", FILE, "", b"x"),
    ])
}

fn upper() -> Vec<u8> {
    archive(&[
        ("etc/.wh.gone", FILE, "", b""),
        ("etc/.wh.never-there", FILE, "", b""),
        ("opaque/new", FILE, "", b"new"),
        // after an entry of the same layer, which it must not touch
        ("opaque/.wh..wh..opq", FILE, "", b""),
        ("turned", FILE, "", b"a file now"),
        ("usr/lib/a", FILE, "", b"library"),
        ("lib", EntryType::Symlink, "usr/lib", b""),
        ("lib/b", FILE, "", b"through a link"),
        ("hard", EntryType::Link, "usr/lib/a", b""),
        (".wh..wh.plnk", FOLDER, "", b""),
    ])
}

fn check(unpacked: &Unpacked) {
    let read = |name: &str| fs::read_to_string(unpacked.rootfs.join(name)).ok();
    assert_eq!(read("etc/kept").as_deref(), Some("kept"));
    assert_eq!(read("etc/gone"), None);
    assert_eq!(read("opaque/new").as_deref(), Some("new"));
    assert!(!unpacked.rootfs.join("opaque/old").exists() && !unpacked.rootfs.join("opaque/deep").exists());
    assert_eq!(read("turned").as_deref(), Some("a file now"));
    assert_eq!(read("usr/lib/b").as_deref(), Some("through a link"));
    let metadata = |name: &str| fs::symlink_metadata(unpacked.rootfs.join(name)).unwrap();
    assert_eq!(metadata("hard").ino(), metadata("usr/lib/a").ino());
    assert_eq!(metadata("etc").mode() & 0o7777, 0o750);
    assert_eq!(metadata("etc/kept").mtime(), 1_000_000_000);
    assert_eq!(unpacked.config.environment, ["A=b"]);
    assert_eq!(unpacked.config.working_directory.as_deref(), Some("/srv"));
    assert_eq!(
        (unpacked.config.entrypoint.as_slice(), unpacked.config.command.as_slice()),
        (&["/bin/a".to_owned()][..], &["-b".to_owned()][..])
    );
}

#[test]
fn layers_lie_over_each_other_however_they_are_stored() {
    let place = Place::new();
    let layout = place.layout(&[(lower(), gzip(&lower())), (upper(), zstd(&upper()))]);
    check(&place.unpack(&layout).unwrap());
    let image = place.write("saved.tar", &saved(&[&lower(), &upper()]));
    let unpacked = place.unpack(&image).unwrap();
    check(&unpacked);
    // once unpacked, the image is not needed any more to know what it is
    assert_eq!(place.unpack(&image).unwrap(), unpacked);
    // a layout as `docker save` would write it is the same image
    let mut archive = Vec::new();
    super::layout(&layout).unwrap().save(&mut archive).unwrap();
    check(&place.unpack(&place.write("again.tar", &archive)).unwrap());
    assert_eq!(place.in_cache().len(), 3);
    place.write(&format!("layout/blobs/sha256/{}", digest::of(&gzip(&lower()))), b"cut");
    let error = super::layout(&layout).unwrap().save(std::io::sink()).unwrap_err().to_string();
    assert!(error.contains("is garbled or cut short"), "{error}");
}

#[test]
fn a_tarball_keeps_what_files_have_and_names_that_only_layers_give_a_meaning() {
    let place = Place::new();
    let plain = archive(&[("bin", FOLDER, "", b""), ("bin/sh", FILE, "", b"#!"), (".wh.x", FILE, "", b"")]);
    for (name, bytes) in [("a.tar", plain.clone()), ("b.tar.gz", gzip(&plain)), ("c", zstd(&plain))] {
        let unpacked = place.unpack(&place.write(name, &bytes)).unwrap();
        assert!(unpacked.rootfs.join(".wh.x").exists());
        assert_eq!(fs::metadata(unpacked.rootfs.join("bin/sh")).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(unpacked.digest, format!("sha256:{}", digest::of(&bytes)));
    }
}

#[test]
fn owners_and_extended_attributes_are_kept() {
    if !has_all_users() {
        println!("skipped: needs root");
        return;
    }
    let place = Place::new();
    let mut builder = Builder::new(Vec::new());
    builder.append_pax_extensions([("SCHILY.xattr.user.note", &b"a\0b"[..])]).unwrap();
    let mut header = Header::new_ustar();
    header.set_mode(0o4755);
    header.set_uid(1234);
    header.set_gid(4321);
    header.set_size(0);
    builder.append_data(&mut header, "file", &b""[..]).unwrap();
    let image = place.write("a.tar", &builder.into_inner().unwrap());
    let file = place.unpack(&image).unwrap().rootfs.join("file");
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (1234, 4321, 0o4755));
    let mut value = [0; 8];
    let length = rustix::fs::lgetxattr(&file, "user.note", &mut value).unwrap();
    assert_eq!(&value[..length], b"a\0b");
}

#[test]
fn no_entry_leaves_the_folder() {
    let place = Place::new();
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let link = outside.to_str().unwrap();
    let cases: [&[Entry<'_>]; 6] = [
        &[("../x", FILE, "", b"x")],
        &[("a/../../x", FILE, "", b"x")],
        &[("/etc/x", FILE, "", b"x")],
        &[("out", EntryType::Symlink, link, b""), ("out/x", FILE, "", b"x")],
        &[("up", EntryType::Symlink, "../../../outside", b""), ("up/x", FILE, "", b"x")],
        &[("hard", EntryType::Link, "../../../outside/x", b"")],
    ];
    for entries in cases {
        let error = place.refused(&place.write("bad.tar", &archive(entries)));
        assert!(error.contains("bad.tar") && error.contains("the entry"), "{error}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{entries:?}");
    }
    let climbing = archive(&[("a/.wh...", FILE, "", b"")]);
    assert!(place.refused(&place.layout(&[(climbing.clone(), climbing)])).contains("no file's name"));
}

#[test]
fn an_image_cut_short_anywhere_is_refused() {
    let place = Place::new();
    let plain = archive(&[("a", FILE, "", &[7; 700]), ("zeros", FILE, "", &[0; 2048]), ("b", FOLDER, "", b"")]);
    let ends = plain.iter().rposition(|byte| *byte != 0).unwrap();
    let saved = saved(&[&lower(), &upper()]);
    let saved_ends = saved.iter().rposition(|byte| *byte != 0).unwrap();
    let cases =
        [(plain.clone(), ends, 61), (gzip(&plain), usize::MAX, 1), (zstd(&plain), usize::MAX, 1), (saved, saved_ends, 509)];
    for (whole, ends, step) in cases {
        for length in (0..whole.len().min(ends)).step_by(step) {
            place.refused(&place.write("cut", &whole[..length]));
        }
    }
    // exactly before the end mark, where everything else is whole
    let entries = plain.len() - 1024;
    let error = place.refused(&place.write("cut", &plain[..entries]));
    assert!(error.contains("end mark"), "{error}");
    assert!(place.unpack(&place.write("whole", &plain)).is_ok());
}

#[test]
fn a_layout_with_any_file_missing_cut_short_or_garbled_is_refused() {
    let place = Place::new();
    let layout = place.layout(&[(lower(), gzip(&lower())), (upper(), upper())]);
    let blobs = fs::read_dir(layout.join("blobs/sha256")).unwrap().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = blobs.collect();
    files.push(layout.join("index.json"));
    assert_eq!(files.len(), 5);
    for file in files {
        let whole = fs::read(&file).unwrap();
        for length in (0..whole.len()).step_by(97) {
            fs::write(&file, &whole[..length]).unwrap();
            place.refused(&layout);
        }
        let mut garbled = whole.clone();
        garbled[whole.len() / 2] ^= 0x10;
        fs::write(&file, &garbled).unwrap();
        place.refused(&layout);
        fs::remove_file(&file).unwrap();
        let error = place.refused(&layout);
        assert!(error.contains("layout"), "{error}");
        fs::write(&file, &whole).unwrap();
    }
    check(&place.unpack(&layout).unwrap());
}

#[test]
fn what_is_no_image_is_refused_with_the_reason() {
    let place = Place::new();
    for (bytes, reason) in [(&b""[..], "empty"), (b"hello, this is text", "no tar archive"), (b"BZh91AY&SY", "bzip2")] {
        let error = place.refused(&place.write("image", bytes));
        assert!(error.contains("image") && error.contains(reason), "{error}");
    }
    assert!(place.refused(&place.folder.path().join("missing")).contains("No such file"));
    assert!(place.refused(&place.write("empty.tar", &archive(&[]))).contains("no files"));
    fs::create_dir(place.folder.path().join("nothing")).unwrap();
    assert!(place.refused(&place.folder.path().join("nothing")).contains("is empty"));
    let mut wrong = saved(&[&lower()]);
    let at = wrong.windows(4).rposition(|window| window == b"kept").unwrap();
    wrong[at] = b'K';
    let error = place.refused(&place.write("wrong.tar", &wrong));
    assert!(error.contains("configuration says"), "{error}");
}

#[test]
fn a_folder_stays_where_it_is_and_its_digest_tells_of_changes() {
    let place = Place::new();
    let file = place.write("rootfs/etc/file", b"a");
    let rootfs = place.folder.path().join("rootfs");
    let first = place.unpack(&rootfs).unwrap();
    assert_eq!(first.rootfs, fs::canonicalize(&rootfs).unwrap());
    assert_eq!(place.unpack(&rootfs).unwrap(), first);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_ne!(place.unpack(&rootfs).unwrap().digest, first.digest);
    assert!(place.in_cache().is_empty());
}
