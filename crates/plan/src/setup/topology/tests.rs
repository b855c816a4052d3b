use tailbed_format::function::Function;

use super::*;
use crate::experiment::Traffic;
use crate::setup::Forwarding;
use crate::setup::traffic;

fn node(name: &str) -> Node {
    Node {
        name: name.to_owned(),
        environment: Environment::Host { own_namespace: true },
        forwarding: Forwarding::default(),
        ports: vec![Port::IN, Port::OUT],
        paths: Vec::new(),
        cpus: crate::experiment::Cores::default(),
        scripts: crate::setup::Scripts::default(),
    }
}

fn mirror(name: &str) -> Node {
    Node { forwarding: Forwarding { function: Function::Reflect, ..Forwarding::default() }, ..node(name) }
}

fn walked(links: &[(&str, &str)]) -> Vec<Link> {
    walked_by(&[node("a"), node("b")], links).unwrap()
}

fn walked_by(nodes: &[Node], links: &[(&str, &str)]) -> Result<Vec<Link>, Fault> {
    let link = |(number, (one, other)): (usize, &(&str, &str))| {
        let ends = [(*one).to_owned(), (*other).to_owned()];
        let kind = experiment::LinkKind::Veth;
        (number.to_string(), experiment::Link { ends, kind, parent: None, slots: 2, hugepages: false })
    };
    let links = Named(links.iter().enumerate().map(link).collect());
    let traffic: Traffic = toml::from_str("rate = \"1kpps\"\nduration = \"1s\"\n").unwrap();
    let streams = traffic::declared(&traffic, &Table::new())?;
    of(nodes, &links, &streams, &[(0, 0)], &Table::new()).map(|topology| topology.links)
}

#[test]
fn a_path_ends_at_a_node_that_reflects() {
    let (a, b) = (|port| End::Node(0, port), |port| End::Node(1, port));
    let expected = vec![[End::Generator, a(Port::IN)], [a(Port::OUT), b(Port::IN)]];
    let nodes = [node("a"), mirror("b")];
    assert_eq!(walked_by(&nodes, &[]), Ok(expected.clone()));
    assert_eq!(walked_by(&nodes, &[("generator", "a:in"), ("b:in", "a:out")]), Ok(expected.clone()));
    let by_its_other_port = walked_by(&nodes, &[("generator", "a:in"), ("b:out", "a:out")]);
    assert_eq!(by_its_other_port, Ok(vec![expected[0], [a(Port::OUT), b(Port::OUT)]]));
    // also where its other port has a link
    assert_eq!(walked_by(&nodes, &[("generator", "a:in"), ("b:in", "a:out"), ("b:out", "sink")]), Ok(expected));
    assert!(walked_by(&[mirror("a"), node("b")], &[]).is_err());
    assert!(walked_by(&[mirror("a"), node("b")], &[("generator", "a:in"), ("a:out", "b:in"), ("b:out", "sink")]).is_err());
    assert!(walked_by(&nodes, &[("generator", "a:in")]).is_err());
}

#[test]
fn without_links_packets_pass_the_nodes_in_order() {
    let (a, b) = (|port| End::Node(0, port), |port| End::Node(1, port));
    assert_eq!(walked(&[]), [[End::Generator, a(Port::IN)], [a(Port::OUT), b(Port::IN)], [b(Port::OUT), End::Sink]]);
}

#[test]
fn links_may_stand_in_any_order_and_either_way_round() {
    let (a, b) = (|port| End::Node(0, port), |port| End::Node(1, port));
    assert_eq!(
        walked(&[("sink", "a:in"), ("b:in", "generator"), ("a:out", "b:out")]),
        [[End::Generator, b(Port::IN)], [b(Port::OUT), a(Port::OUT)], [a(Port::IN), End::Sink]]
    );
}
