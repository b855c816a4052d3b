//! Scripts and commands of a run, with the variables that tell them what they are part of.

use super::network::{Interface, own_and_peer, ports};
use super::run::Setting;
use crate::plan::NodePrograms;
use crate::setup::{End, Node};
use crate::step::AgentEnvironment;

/// Cores that programs are told of, as the host numbers them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cores<'a> {
    /// The node's.
    pub(super) own: &'a [usize],
    /// For what disturbs on purpose.
    pub(super) neighbours: &'a [usize],
}

/// The programs of a node; `None` when it has none.
pub(super) fn of_node(
    number: usize,
    node: &Node,
    environment: &AgentEnvironment,
    cores: Cores<'_>,
    links: &[[Interface; 2]],
    setting: &Setting<'_>,
) -> Option<NodePrograms> {
    let scripts = &node.scripts;
    scripts.any().then(|| NodePrograms {
        node: node.name.clone(),
        setup: scripts.setup.clone(),
        run: scripts.run.clone(),
        teardown: scripts.teardown.clone(),
        host_setup: scripts.host_setup.clone(),
        host_teardown: scripts.host_teardown.clone(),
        command: scripts.command.clone(),
        ready: scripts.ready.clone(),
        environment: variables(number, node, environment, cores, links, setting),
        timeout: scripts.timeout,
    })
}

/// Each with its value, in a fixed order. `TAILBED_RESULTS` is added where the folder is made.
fn variables(
    number: usize,
    node: &Node,
    environment: &AgentEnvironment,
    cores: Cores<'_>,
    links: &[[Interface; 2]],
    setting: &Setting<'_>,
) -> Vec<(String, String)> {
    // a virtual machine's kernel numbers its own
    let own = match environment {
        AgentEnvironment::Vm(spec) => (0..spec.vcpus).collect(),
        _ => cores.own.to_vec(),
    };
    let list = |cpus: &[usize]| cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut variables = vec![
        ("TAILBED_NODE".to_owned(), node.name.clone()),
        ("TAILBED_ENVIRONMENT".to_owned(), environment.kind().to_owned()),
        ("TAILBED_TOKEN".to_owned(), setting.token.to_owned()),
        ("TAILBED_RUN".to_owned(), setting.number.to_string()),
        ("TAILBED_REPEAT".to_owned(), (setting.repeat + 1).to_string()),
        ("TAILBED_CPUS".to_owned(), list(&own)),
        ("TAILBED_NEIGHBOURS".to_owned(), list(cores.neighbours)),
    ];
    for port in ports(number, links) {
        if let Some((own, peer)) = own_and_peer(End::Node(number, port), links) {
            let name = format!("TAILBED_{}", port.to_string().to_ascii_uppercase().replace('-', "_"));
            variables.push((name.clone(), own.veth.name.clone()));
            variables.push((format!("{name}_MAC"), own.veth.mac.to_string()));
            variables.push((format!("{name}_PEER_MAC"), peer.towards.to_string()));
            if let (Some(own), Some(peer)) = (own.address, peer.address) {
                variables.push((format!("{name}_ADDRESS"), own.to_string()));
                variables.push((format!("{name}_PEER_ADDRESS"), peer.to_string()));
            }
        }
    }
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let parameter = |key: &str| format!("TAILBED_PARAMETER_{}", key.chars().map(word).collect::<String>());
    variables.extend(setting.parameters.iter().map(|given| (parameter(&given.key), given.value.clone())));
    variables
}
