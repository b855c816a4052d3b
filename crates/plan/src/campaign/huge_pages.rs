//! Huge pages that a run's containers may have: set aside before anything is made, and given back after all is taken back.

use std::collections::BTreeMap;

use tailbed_format::facts::{Facts, HugePagePool, Missing};
use tailbed_format::unit::Bytes;

use super::knobs::Knobs;
use crate::setup::{Environment, Node};
use crate::step::{HugePageLimit, Setting, Step};

/// What is wanted of one pool.
#[derive(Default)]
struct Wanted<'a> {
    pages: u64,
    nodes: Vec<&'a str>,
}

/// What is set aside for a run.
#[derive(Default)]
pub(super) struct Reserved {
    /// Done after the knobs.
    pub(super) steps: Vec<Step>,
    /// What the knob `hugepages` was given besides what it asks for, a clause each.
    pub(super) besides: Vec<String>,
}

/// Writes how many pages there are to be, wherever fewer are free than the containers may have: on the memory node that a container
/// prefers, else wherever the kernel finds them. Where a knob keeps pages of that size in reserve, those are to be there besides, and what it
/// writes is raised: of two values for one file the first would not hold. No pool gets fewer pages than it was found with.
pub(super) fn reserve(nodes: &[Node], knobs: &Knobs, steps: &mut [Step], facts: &Facts) -> Reserved {
    let kept = &knobs.kept_pages;
    let mut reserved = Reserved::default();
    if !facts.privilege.root {
        return reserved;
    }
    let mut wanted: BTreeMap<(u64, Option<usize>), Wanted<'_>> = BTreeMap::new();
    for node in nodes {
        let (limits, preferred) = of_node(node);
        for limit in limits {
            let place = memory_node(preferred, facts).or_else(|| kept_on(limit.page, kept, facts));
            let wanted = wanted.entry((limit.page, place)).or_default();
            wanted.pages += limit.limit / limit.page;
            wanted.nodes.push(&node.name);
        }
    }
    // what the memory nodes get, by size of page, and what is taken of their free ones: the pages of the whole host are the same pages
    let (mut added, mut taken): (BTreeMap<u64, u64>, BTreeMap<u64, u64>) = (BTreeMap::new(), BTreeMap::new());
    // `None` is the least, and comes last
    for ((page, place), Wanted { pages, nodes }) in wanted.into_iter().rev() {
        let Some(pool) = facts.huge_pages.iter().find(|pool| pool.page == page && pool.node == place) else { continue };
        if let Some(kept) = kept.get(&pool.path()) {
            // what somebody has already counts as kept, as it did before the containers; what nobody has serves knob and containers alike
            let in_use = pool.total.saturating_sub(pool.free);
            let count = in_use.max(*kept) + pages;
            if let Some(setting) = written(pool, steps).filter(|_| count > pool.total) {
                setting.value = count.to_string();
                reserved.besides.push(format!("{pages} more of {} are for {}", Bytes(page), nodes.join(", ")));
            }
            continue;
        }
        let (more, fewer) = match place {
            Some(_) => (0, 0),
            None => (added.get(&page).copied().unwrap_or(0), taken.get(&page).copied().unwrap_or(0)),
        };
        let missing = pages.saturating_sub(pool.free.saturating_sub(fewer));
        *added.entry(page).or_default() += missing;
        *taken.entry(page).or_default() += pages - missing;
        if missing > 0 {
            reserved.steps.push(setting(pool, pool.total + more + missing, &nodes));
        }
    }
    reserved
}

/// What a knob writes to a pool.
fn written<'a>(pool: &HugePagePool, steps: &'a mut [Step]) -> Option<&'a mut Setting> {
    let path = pool.path();
    steps.iter_mut().find_map(|step| match step {
        Step::WriteSetting(setting) if setting.path == path => Some(setting),
        _ => None,
    })
}

/// The first memory node that a knob keeps pages of a size on.
fn kept_on(page: u64, kept: &BTreeMap<String, u64>, facts: &Facts) -> Option<usize> {
    let pools = facts.huge_pages.iter().filter(|pool| pool.page == page && kept.contains_key(&pool.path()));
    pools.filter_map(|pool| pool.node).min()
}

fn setting(pool: &HugePagePool, pages: u64, nodes: &[&str]) -> Step {
    let reason = format!("huge pages of {} for {}", Bytes(pool.page), nodes.join(", "));
    Step::WriteSetting(Setting { path: pool.path(), value: pages.to_string(), reason, ..Setting::default() })
}

/// The huge pages that a node may have, and the memory node that it prefers. Those of a virtual machine are the whole of its memory, and not set aside.
pub(super) fn of_node(node: &Node) -> (&[HugePageLimit], Option<usize>) {
    match &node.environment {
        Environment::Container { spec, .. } => (&spec.hugepages, spec.preferred_node),
        Environment::Lxc(spec) => (&spec.hardware.hugepages, None),
        Environment::Docker(spec) => (&spec.hardware.hugepages, None),
        Environment::Host { .. } | Environment::Vm { .. } | Environment::Simulated(_) => (&[], None),
    }
}

/// The memory node that a container's pages lie on, where that is known.
fn memory_node(preferred: Option<usize>, facts: &Facts) -> Option<usize> {
    let only = if let [node] = facts.memory_nodes[..] { Some(node) } else { None };
    let node = preferred.or(only);
    // a kernel without NUMA has no pages by node
    node.filter(|_| facts.huge_pages.iter().any(|pool| pool.node == node))
}

/// What of this a host lacks for a container.
pub(super) fn missing(node: &Node, facts: &Facts) -> Option<Missing> {
    let (limits, preferred) = of_node(node);
    if let Some(node) = preferred.filter(|node| !facts.memory_nodes.contains(node)) {
        return Some(Missing {
            reason: format!("its preferred_node is {node}, and this host's memory nodes are {}", list(&facts.memory_nodes)),
            way_out: "name one of them, or leave preferred_node out".to_owned(),
        });
    }
    let first = limits.first()?;
    if !facts.privilege.root {
        let reason = "only root can give it huge pages".to_owned();
        return Some(Missing { reason, way_out: "run it as root, or leave hugepages out".to_owned() });
    }
    let has = |page: u64| facts.huge_pages.iter().any(|pool| pool.page == page);
    let lacking = limits.iter().find(|limit| !has(limit.page))?;
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
    let limited = nodes.iter().filter(|node| uncounted && !of_node(node).0.is_empty());
    limited
        .map(|node| {
            let name = &node.name;
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
        planned(containers, "isolation = false", facts).0
    }

    /// The same of an experiment with these lines, and what the knobs have to remark.
    fn planned(containers: &[&str], more: &str, facts: &Facts) -> (Vec<(String, String)>, Vec<String>) {
        let node = |(number, settings): (usize, &&str)| format!("[nodes.n{number}.container]\n{settings}\n");
        let nodes: String = containers.iter().enumerate().map(node).collect();
        let text = format!("name = \"x\"\n{more}\n{nodes}[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n");
        let plan = crate::plan(&Source { name: "x", text: text.as_bytes() }, &Overrides::default(), facts, "t").unwrap();
        let run = plan.runs.last().unwrap();
        let remarks = run.knobs.knobs.iter().filter(|knob| knob.knob == "hugepages").flat_map(|knob| knob.remarks.clone());
        let settings = run.steps.iter().filter_map(|step| match step {
            Step::WriteSetting(setting) if setting.path.contains("hugepages") => {
                Some((setting.path.clone(), setting.value.clone()))
            }
            _ => None,
        });
        (settings.collect(), remarks.collect())
    }

    /// The knob would find another number than its own when the work of the run is done, if both wrote the same file.
    #[test]
    fn a_knob_and_containers_write_a_pool_once() {
        let mut host = Facts { huge_pages: vec![pool(None, 20, 15), pool(Some(0), 20, 15)], ..facts(4) };
        let path = pool(Some(0), 0, 0).path();
        host.settings.files.insert(path.clone(), "20".to_owned());
        host.settings.files.insert("/sys/devices/system/node/node0/cpulist".to_owned(), "0-3".to_owned());
        let kept = |count: u64| format!("knobs.hugepages = \"{count} x 2MiB\"");
        let (written, remarks) = planned(&["hugepages = \"8MiB\"", "hugepages = \"2MiB\""], &kept(64), &host);
        assert_eq!(written, [(path.clone(), "69".to_owned())]);
        assert_eq!(remarks, ["5 more of 2MiB are for n0, n1"]);
        assert_eq!(planned(&["memory = \"64MiB\""], &kept(64), &host), (vec![(path.clone(), "64".to_owned())], Vec::new()));
        // five are in use already, which the kernel cannot take from anybody
        *host.huge_pages.last_mut().unwrap() = pool(Some(0), 7, 2);
        host.settings.files.insert(path.clone(), "7".to_owned());
        assert_eq!(planned(&["hugepages = \"8MiB\""], &kept(2), &host).0, [(path, "9".to_owned())]);
    }

    /// Pages that somebody has set aside for a program that is yet to start are free, and would be gone for it if fewer were written.
    #[test]
    fn a_pool_with_enough_in_it_is_left_as_it_is() {
        let mut host = Facts { huge_pages: vec![pool(None, 20, 15), pool(Some(0), 20, 15)], ..facts(4) };
        let path = pool(Some(0), 0, 0).path();
        host.settings.files.insert(path.clone(), "20".to_owned());
        host.settings.files.insert("/sys/devices/system/node/node0/cpulist".to_owned(), "0-3".to_owned());
        let kept = |count: u64| format!("knobs.hugepages = \"{count} x 2MiB\"");
        let already = "node 0 has 20 of 2MiB already, and keeps them".to_owned();
        let as_found = vec![(path.clone(), "20".to_owned())];
        for (count, containers) in [(2, "hugepages = \"8MiB\""), (16, "hugepages = \"8MiB\""), (20, "memory = \"64MiB\"")] {
            assert_eq!(planned(&[containers], &kept(count), &host), (as_found.clone(), vec![already.clone()]), "{count}");
        }
        // of 20 that are there 18 are to be left when the container has its 4
        let (written, remarks) = planned(&["hugepages = \"8MiB\""], &kept(18), &host);
        assert_eq!(written, [(path, "22".to_owned())]);
        assert_eq!(remarks, [already, "4 more of 2MiB are for n0".to_owned()]);
    }

    #[test]
    fn without_a_preference_pages_lie_where_a_knob_keeps_some() {
        let pools = vec![pool(None, 0, 0), pool(Some(0), 0, 0), pool(Some(1), 0, 0)];
        let mut host = Facts { memory_nodes: vec![0, 1], huge_pages: pools, ..facts(4) };
        for (node, cpus) in [(0, "0-3"), (1, "4-7")] {
            host.settings.files.insert(pool(Some(node), 0, 0).path(), "0".to_owned());
            host.settings.files.insert(format!("/sys/devices/system/node/node{node}/cpulist"), cpus.to_owned());
        }
        let (written, _) = planned(&["hugepages = \"8MiB\""], "knobs.hugepages = \"3 x 2MiB\"", &host);
        assert_eq!(written, [(pool(Some(0), 0, 0).path(), "7".to_owned())]);
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
