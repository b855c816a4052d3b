//! Which kernel a guest boots: its image, its release, and the folder of its modules.

use std::cmp::Reverse;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use tailbed_plan::step::Kernel;

/// A kernel on the host's disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuestKernel {
    /// The image.
    pub(crate) image: PathBuf,
    /// What uname(2) will say in the guest.
    pub(crate) release: String,
}

/// The package that gives a kernel made for guests.
pub(crate) const PACKAGE: &str = "linux-image-cloud-amd64";

/// Finds a kernel below a root folder, which is `/` but in tests.
pub(crate) fn find(kernel: &Kernel, root: &Path) -> anyhow::Result<GuestKernel> {
    let boot = root.join("boot");
    let of_release = |release: &str| boot.join(format!("vmlinuz-{release}"));
    let image = match kernel {
        Kernel::Newest => newest(&boot, |_| true).with_context(|| {
            format!(
                "there is no kernel image ({}/vmlinuz-*); install one made for guests (apt install {PACKAGE})",
                boot.display()
            )
        })?,
        Kernel::Host => {
            let release = rustix::system::uname().release().to_string_lossy().into_owned();
            let image = of_release(&release);
            if !image.exists() {
                bail!(
                    "the host runs {release} and {} is not there; leave kernel = \"host\" out, or name the image by its path",
                    image.display()
                );
            }
            image
        }
        Kernel::Named(path) if path.contains('/') => path.into(),
        Kernel::Named(name) => newest(&boot, |release| Kernel::is_named(release, name)).unwrap_or_else(|| of_release(name)),
    };
    let release = release(&image).with_context(|| format!("cannot boot the kernel image {}", image.display()))?;
    Ok(GuestKernel { image, release })
}

/// The releases of the kernels below a root folder, in the order of their names.
pub(crate) fn releases(root: &Path) -> Vec<String> {
    let mut releases: Vec<_> = images(&root.join("boot")).map(|(release, _)| release).collect();
    releases.sort();
    releases
}

/// Kernel images by their release.
fn images(boot: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = fs::read_dir(boot).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().to_str()?.strip_prefix("vmlinuz-")?.to_owned(), entry.path())))
}

/// Of those asked for, the newest of Debian's cloud kernels, which have what guests need and little else, else the newest of all.
fn newest(boot: &Path, wanted: impl Fn(&str) -> bool) -> Option<PathBuf> {
    let ranked = images(boot)
        .filter(|(release, _)| wanted(release))
        .map(|(release, image)| (release.contains("-cloud-"), version(&release), Reverse(release), image));
    ranked.max().map(|(.., image)| image)
}

/// The numbers of a release, for comparing: `6.1.0-56-cloud-amd64` is 6, 1, 0, 56.
fn version(release: &str) -> Vec<u64> {
    let numbers = release.split(|character: char| !character.is_ascii_digit()).filter(|part| !part.is_empty());
    numbers.map_while(|number| number.parse().ok()).collect()
}

/// The release an image tells in its header (Documentation/arch/x86/boot.rst: `header` at 0x202, `kernel_version` at 0x20e).
fn release(image: &Path) -> anyhow::Result<String> {
    let mut start = Vec::new();
    let file = File::open(image).context("it cannot be opened; is the path right?")?;
    file.take(1 << 16).read_to_end(&mut start).context("it cannot be read")?;
    let not_one = || anyhow!("it is not a compressed Linux kernel for x86 (bzImage), which has HdrS at byte 514");
    if start.get(0x202..0x206) != Some(b"HdrS".as_slice()) {
        return Err(not_one());
    }
    let at = start.get(0x20e..0x210).map(|at| usize::from(u16::from_le_bytes([at[0], at[1]])) + 0x200).ok_or_else(not_one)?;
    let text = start.get(at..).ok_or_else(not_one)?.split(|&byte| byte == 0).next().unwrap_or_default();
    let text = std::str::from_utf8(text).map_err(|_| not_one())?;
    text.split(' ').next().filter(|release| !release.is_empty()).map(str::to_owned).ok_or_else(not_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image that has nothing but the header.
    fn image(folder: &Path, name: &str, release: &str) {
        let mut bytes = vec![0; 0x300];
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x20e..0x210].copy_from_slice(&0x20_u16.to_le_bytes());
        let text = format!("{release} (somebody@somewhere) #1\0");
        bytes[0x220..0x220 + text.len()].copy_from_slice(text.as_bytes());
        fs::create_dir_all(folder.join("boot")).unwrap();
        fs::write(folder.join("boot").join(name), bytes).unwrap();
    }

    #[test]
    fn the_newest_cloud_kernel_is_preferred() {
        let root = tempfile::tempdir().unwrap();
        assert!(find(&Kernel::Newest, root.path()).unwrap_err().to_string().contains(PACKAGE));
        for release in ["6.9.0-1-amd64", "6.1.0-9-cloud-amd64", "6.1.0-56-cloud-amd64"] {
            image(root.path(), &format!("vmlinuz-{release}"), release);
        }
        assert_eq!(find(&Kernel::Newest, root.path()).unwrap().release, "6.1.0-56-cloud-amd64");
        let named = Kernel::Named("6.9.0-1-amd64".to_owned());
        assert_eq!(find(&named, root.path()).unwrap().release, "6.9.0-1-amd64");
        image(root.path(), "vmlinuz-6.1.0-9-rt-amd64", "6.1.0-9-rt-amd64");
        assert_eq!(find(&Kernel::Named("rt-amd64".to_owned()), root.path()).unwrap().release, "6.1.0-9-rt-amd64");
        assert!(find(&Kernel::Named("t-amd64".to_owned()), root.path()).is_err());
        assert_eq!(releases(root.path()).len(), 4);
    }

    #[test]
    fn what_is_no_kernel_is_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("text");
        let named = Kernel::Named(path.display().to_string());
        assert!(format!("{:#}", find(&named, root.path()).unwrap_err()).contains("cannot be opened"));
        fs::write(&path, "no kernel at all").unwrap();
        assert!(format!("{:#}", find(&named, root.path()).unwrap_err()).contains("bzImage"));
    }
}
