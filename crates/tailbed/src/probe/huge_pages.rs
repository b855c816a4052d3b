//! Huge pages that are set aside (hugetlbpage.rst in the kernel's documentation).

use std::fs;
use std::path::Path;

use tailbed_format::facts::HugePagePool;

/// Those of the whole host, then those of each memory node, by their size.
pub(super) fn pools(sys: &Path) -> Vec<HugePagePool> {
    let mut pools = in_folder(None, &sys.join("kernel/mm/hugepages"));
    for (name, path) in entries(&sys.join("devices/system/node")) {
        if let Some(node) = name.strip_prefix("node").and_then(|number| number.parse().ok()) {
            pools.extend(in_folder(Some(node), &path.join("hugepages")));
        }
    }
    pools.sort_by_key(|pool| (pool.node, pool.page));
    pools
}

/// One folder for each size: `hugepages-2048kB`.
fn in_folder(node: Option<usize>, folder: &Path) -> Vec<HugePagePool> {
    let pool = |(name, path): (String, std::path::PathBuf)| {
        let kib: u64 = name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
        let number = |file: &str| super::read(path.join(file)).parse().ok();
        Some(HugePagePool { node, page: kib << 10, total: number("nr_hugepages")?, free: number("free_hugepages")? })
    };
    entries(folder).into_iter().filter_map(pool).collect()
}

fn entries(folder: &Path) -> Vec<(String, std::path::PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_read_by_node_and_size() {
        let sys = tempfile::tempdir().unwrap();
        let make = |folder: &str, total: &str, free: &str| {
            let folder = sys.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("nr_hugepages"), total).unwrap();
            fs::write(folder.join("free_hugepages"), free).unwrap();
        };
        make("kernel/mm/hugepages/hugepages-2048kB", "12\n", "3\n");
        make("kernel/mm/hugepages/hugepages-1048576kB", "0\n", "0\n");
        make("devices/system/node/node1/hugepages/hugepages-2048kB", "12\n", "3\n");
        make("devices/system/node/node0/hugepages/hugepages-2048kB", "", "0\n");
        fs::create_dir_all(sys.path().join("devices/system/node/power")).unwrap();
        let pool = |node, page, total, free| HugePagePool { node, page, total, free };
        assert_eq!(pools(sys.path()), [pool(None, 2 << 20, 12, 3), pool(None, 1 << 30, 0, 0), pool(Some(1), 2 << 20, 12, 3)]);
        assert_eq!(pools(Path::new("/nowhere")), []);
    }
}
