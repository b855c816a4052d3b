//! Huge pages that a run's containers may have: set aside before anything is made, and given back after all is taken back.

use std::collections::BTreeMap;

use tailbed_format::facts::{Facts, HugePagePool, Missing};
use tailbed_format::unit::Bytes;

use crate::setup::{Environment, Node};
use crate::step::{ContainerSpec, Setting, Step};

/// What is wanted of one pool.
#[derive(Default)]
struct Wanted<'a> {
    pages: u64,
    nodes: Vec<&'a str>,
}

/// Writes how many pages there are to be, wherever fewer are free than the containers may have: on the memory node that a container
/// prefers, else wherever the kernel finds them.
pub(super) fn reserve(nodes: &[Node], facts: &Facts) -> Vec<Step> {
    if !facts.privilege.root {
        return Vec::new();
    }
    let mut wanted: BTreeMap<(u64, Option<usize>), Wanted<'_>> = BTreeMap::new();
    for (name, spec) in containers(nodes) {
        for limit in &spec.hugepages {
            let wanted = wanted.entry((limit.page, memory_node(spec, facts))).or_default();
            wanted.pages += limit.limit / limit.page;
            wanted.nodes.push(name);
        }
    }
    let mut steps = Vec::new();
    // what the memory nodes get, by size of page, and what is taken of their free ones: the pages of the whole host are the same pages
    let (mut added, mut taken): (BTreeMap<u64, u64>, BTreeMap<u64, u64>) = (BTreeMap::new(), BTreeMap::new());
    // `None` is the least, and comes last
    for ((page, place), Wanted { pages, nodes }) in wanted.into_iter().rev() {
        let Some(pool) = facts.huge_pages.iter().find(|pool| pool.page == page && pool.node == place) else { continue };
        let (more, fewer) = match place {
            Some(_) => (0, 0),
            None => (added.get(&page).copied().unwrap_or(0), taken.get(&page).copied().unwrap_or(0)),
        };
        let missing = pages.saturating_sub(pool.free.saturating_sub(fewer));
        *added.entry(page).or_default() += missing;
        *taken.entry(page).or_default() += pages - missing;
        if missing > 0 {
            steps.push(setting(pool, pool.total + more + missing, &nodes));
        }
    }
    steps
}

fn setting(pool: &HugePagePool, pages: u64, nodes: &[&str]) -> Step {
    let reason = format!("huge pages of {} for {}", Bytes(pool.page), nodes.join(", "));
    Step::WriteSetting(Setting { path: pool.path(), value: pages.to_string(), reason, ..Setting::default() })
}

fn containers(nodes: &[Node]) -> impl Iterator<Item = (&str, &ContainerSpec)> {
    nodes.iter().filter_map(|node| match &node.environment {
        Environment::Container { spec, .. } => Some((node.name.as_str(), &**spec)),
        _ => None,
    })
}

/// The memory node that a container's pages lie on, where that is known.
fn memory_node(spec: &ContainerSpec, facts: &Facts) -> Option<usize> {
    let only = if let [node] = facts.memory_nodes[..] { Some(node) } else { None };
    let node = spec.preferred_node.or(only);
    // a kernel without NUMA has no pages by node
    node.filter(|_| facts.huge_pages.iter().any(|pool| pool.node == node))
}

/// What of this a host lacks for a container.
pub(super) fn missing(spec: &ContainerSpec, facts: &Facts) -> Option<Missing> {
    if let Some(node) = spec.preferred_node.filter(|node| !facts.memory_nodes.contains(node)) {
        return Some(Missing {
            reason: format!("its preferred_node is {node}, and this host's memory nodes are {}", list(&facts.memory_nodes)),
            way_out: "name one of them, or leave preferred_node out".to_owned(),
        });
    }
    let first = spec.hugepages.first()?;
    if !facts.privilege.root {
        let reason = "only root can give it huge pages".to_owned();
        return Some(Missing { reason, way_out: "run it as root, or leave hugepages out".to_owned() });
    }
    let has = |page: u64| facts.huge_pages.iter().any(|pool| pool.page == page);
    let lacking = spec.hugepages.iter().find(|limit| !has(limit.page))?;
    let mut sizes: Vec<_> = facts.huge_pages.iter().map(|pool| pool.page).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let sizes: Vec<_> = sizes.into_iter().map(|page| Bytes(page).to_string()).collect();
    Some(if sizes.is_empty() {
        let reason = format!("this kernel has no huge pages of {}, and no others", Bytes(first.page));
        Missing { reason, way_out: "leave hugepages out".to_owned() }
    } else {
        let reason = format!("this kernel has no huge pages of {}; it has {}", Bytes(lacking.page), sizes.join(" and "));
        Missing { reason, way_out: "change the size of the pages in hugepages".to_owned() }
    })
}

fn list(numbers: &[usize]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What is said where a limit holds less than it seems to.
pub(super) fn notes(nodes: &[Node], facts: &Facts) -> Vec<String> {
    let uncounted = facts.privilege.root && facts.cgroup.hierarchy_of("hugetlb").is_none();
    let limited = containers(nodes).filter(|(_, spec)| uncounted && !spec.hugepages.is_empty());
    limited
        .map(|(name, _)| {
            format!("no control group counts huge pages here: the limit of {name} holds for its hugetlbfs, and not for memory without a file")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::tests::facts;
    use crate::text::{Overrides, Source};

    const PAGE: u64 = 2 << 20;

    fn pool(node: Option<usize>, total: u64, free: u64) -> HugePagePool {
        HugePagePool { node, page: PAGE, total, free }
    }

    /// Settings that are written for these containers, path and value.
    fn written(containers: &[&str], facts: &Facts) -> Vec<(String, String)> {
        let node = |(number, settings): (usize, &&str)| format!("[nodes.n{number}.container]\n{settings}\n");
        let nodes: String = containers.iter().enumerate().map(node).collect();
        let text = format!("name = \"x\"\nisolation = false\n{nodes}[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n");
        let plan = crate::plan(&Source { name: "x", text: text.as_bytes() }, &Overrides::default(), facts, "t").unwrap();
        let settings = plan.runs.last().unwrap().steps.iter().filter_map(|step| match step {
            Step::WriteSetting(setting) if setting.path.contains("hugepages") => {
                Some((setting.path.clone(), setting.value.clone()))
            }
            _ => None,
        });
        settings.collect()
    }

    #[test]
    fn pages_that_are_free_are_not_asked_for_again() {
        let host = |free| Facts { huge_pages: vec![pool(None, 20, free), pool(Some(0), 20, free)], ..facts(4) };
        let four = ["hugepages = \"8MiB\""];
        assert_eq!(written(&four, &host(4)), []);
        let path = pool(Some(0), 0, 0).path();
        assert_eq!(written(&four, &host(1)), [(path.clone(), "23".to_owned())]);
        assert_eq!(written(&["hugepages = \"8MiB\"", "hugepages = \"2MiB\""], &host(1)), [(path, "24".to_owned())]);
        assert_eq!(written(&four, &Facts { huge_pages: vec![pool(None, 0, 0)], ..facts(4) }).len(), 1);
    }

    #[test]
    fn the_hosts_pages_are_those_of_its_nodes() {
        let pools = vec![pool(None, 3, 3), pool(Some(0), 1, 1), pool(Some(1), 2, 2)];
        let host = Facts { memory_nodes: vec![0, 1], huge_pages: pools, ..facts(4) };
        let preferring = "hugepages = \"8MiB\"\npreferred_node = 1";
        assert_eq!(written(&[preferring], &host), [(pool(Some(1), 0, 0).path(), "4".to_owned())]);
        // node 1 gets two more and its two are taken; of the four without a preference one finds a page that is free
        let both = written(&[preferring, "hugepages = \"8MiB\""], &host);
        let expected = [(pool(Some(1), 0, 0).path(), "4".to_owned()), (pool(None, 0, 0).path(), "8".to_owned())];
        assert_eq!(both, expected);
    }

    #[test]
    fn what_a_host_lacks_is_told() {
        let spec = |settings: &str| {
            let text =
                format!("name = \"x\"\n[nodes.dut.container]\n{settings}\n[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n");
            let host = Facts { huge_pages: vec![pool(None, 0, 0)], ..facts(4) };
            let source = Source { name: "x", text: text.as_bytes() };
            crate::plan(&source, &Overrides::default(), &host, "t").map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(spec("hugepages = \"4MiB\""), Ok(()));
        assert!(spec("preferred_node = 3").is_err_and(|error| error.contains("memory nodes are 0")));
        let error = spec("hugepages = { \"1GiB\" = \"1GiB\" }").unwrap_err();
        assert!(error.contains("no huge pages of 1GiB; it has 2MiB"), "{error}");
    }
}
