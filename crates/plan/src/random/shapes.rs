//! What is drawn: which node is linked to which, where streams set out, and where they leave.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::experiment::Shape;

/// A topology in the words of the experiment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) shape: Shape,
    /// Every node with its paths.
    pub(super) paths: Vec<(String, Vec<(String, String)>)>,
    /// Links by name.
    pub(super) links: Vec<(String, [String; 2])>,
    /// Streams by name, each with where it sets out and is to come in.
    pub(super) streams: Vec<(String, [String; 2])>,
    /// Where the packets of each stream are sent to, where routers have to know it: an IPv4 address.
    pub(super) destinations: Vec<String>,
    /// The routes of each node, where it is a router.
    pub(super) routes: Vec<Vec<String>>,
}

/// Where streams leave and come in by other ports than the usual ones.
const SIDE: &str = "side";
const EXIT: &str = "exit";

/// A topology of `least` to `most` nodes, at least one.
pub(super) fn draw(shape: Shape, least: u32, most: u32, seed: u64) -> Drawn {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let count = random.random_range(least..=most) as usize;
    let shape = match shape {
        // one node is no ring
        Shape::Any if count < 2 => Shape::Line,
        Shape::Any => [Shape::Line, Shape::Tree, Shape::Ring][random.random_range(0..3)],
        shape => shape,
    };
    let mut drawing = Drawing { digits: count.to_string().len(), drawn: Drawn::of(shape), random };
    match shape {
        Shape::Line | Shape::Any => drawing.line(count),
        Shape::Tree => drawing.tree(count),
        Shape::Ring => drawing.ring(count),
        Shape::Fan => drawing.fan(count),
    }
    drawing.drawn
}

impl Drawn {
    fn of(shape: Shape) -> Self {
        let (paths, links, streams) = (Vec::new(), Vec::new(), Vec::new());
        Self { shape, paths, links, streams, destinations: Vec::new(), routes: Vec::new() }
    }
}

/// A router's port to one of its branches, counted from 1.
fn branch(number: usize) -> String {
    if number == 1 { "out".to_owned() } else { format!("out{number}") }
}

/// The leaves below a node, or itself where it is one.
fn leaves(node: usize, children: &[Vec<usize>]) -> Vec<usize> {
    if children[node].is_empty() {
        vec![node]
    } else {
        children[node].iter().flat_map(|&child| leaves(child, children)).collect()
    }
}

struct Drawing {
    /// Of the highest number: names then sort as they count.
    digits: usize,
    drawn: Drawn,
    random: ChaCha8Rng,
}

impl Drawing {
    /// The node of a number, from 0.
    fn name(&self, number: usize) -> String {
        format!("n{:0digits$}", number + 1, digits = self.digits)
    }

    fn node(&mut self, number: usize, paths: &[(&str, &str)]) {
        let paths = paths.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        self.drawn.paths.push((self.name(number), paths));
    }

    fn link(&mut self, number: usize, ends: [String; 2]) {
        self.drawn.links.push((format!("l{:0digits$}", number + 1, digits = self.digits + 1), ends));
    }

    /// A stream from a node's port to the sink.
    fn stream(&mut self, number: usize, port: &str) {
        let name = self.name(number);
        self.drawn.streams.push((format!("from-{name}"), [format!("{name}:{port}"), "sink".to_owned()]));
    }

    fn line(&mut self, count: usize) {
        self.stream(0, "in");
        for number in 0..count {
            self.node(number, &[]);
            let next = if number + 1 == count { "sink".to_owned() } else { format!("{}:in", self.name(number + 1)) };
            self.link(number, [format!("{}:out", self.name(number)), next]);
            if number > 0 && self.random.random() {
                self.stream(number, SIDE);
            }
        }
    }

    /// Each node but the root hangs below one that was there before it (a random recursive tree; Smythe and Mahmoud, A survey of
    /// recursive trees, 1995).
    fn tree(&mut self, count: usize) {
        let parents: Vec<usize> = (1..count).map(|number| self.random.random_range(0..number)).collect();
        let mut children = vec![0_usize; count];
        self.link(0, [format!("{}:out", self.name(0)), "sink".to_owned()]);
        for (number, &parent) in (1..).zip(&parents) {
            children[parent] += 1;
            let port = if children[parent] == 1 { "in".to_owned() } else { format!("in{}", children[parent]) };
            self.link(number, [format!("{}:out", self.name(number)), format!("{}:{port}", self.name(parent))]);
        }
        for (number, &below) in children.iter().enumerate() {
            let ports: Vec<_> = (2..=below).map(|child| format!("in{child}")).collect();
            let paths: Vec<_> = ports.iter().map(|port| (port.as_str(), "out")).collect();
            self.node(number, &paths);
            if below == 0 {
                self.stream(number, "in");
            } else if self.random.random_range(0..3) == 0 {
                self.stream(number, SIDE);
            }
        }
    }

    /// The same tree, but packets go from the root to every leaf, by routes: a network of its own for each leaf.
    fn fan(&mut self, count: usize) {
        let parents: Vec<usize> = (1..count).map(|number| self.random.random_range(0..number)).collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); count];
        self.link(0, ["generator".to_owned(), format!("{}:in", self.name(0))]);
        for (number, &parent) in (1..).zip(&parents) {
            children[parent].push(number);
            let port = branch(children[parent].len());
            self.link(number, [format!("{}:{port}", self.name(parent)), format!("{}:in", self.name(number))]);
        }
        for number in 0..count {
            self.node(number, &[]);
            if children[number].is_empty() {
                let (name, end) = (self.name(number), format!("{}:out", self.name(number)));
                self.drawn.streams.push((format!("to-{name}"), ["generator".to_owned(), end]));
                self.drawn.destinations.push(format!("198.19.{}.1", number + 1));
            }
            let routes = children[number].iter().enumerate().flat_map(|(place, &child)| {
                let port = branch(place + 1);
                leaves(child, &children).into_iter().map(move |leaf| format!("198.19.{}.0/24 {port}", leaf + 1))
            });
            self.drawn.routes.push(routes.collect());
        }
    }

    /// All packets leave the ring at one node: what comes to it by the ring goes out there. Its own go round once.
    fn ring(&mut self, count: usize) {
        let last = self.random.random_range(0..count);
        for number in 0..count {
            self.node(number, if number == last { &[("in", EXIT)] } else { &[] });
            self.link(number, [format!("{}:out", self.name(number)), format!("{}:in", self.name((number + 1) % count))]);
            if number == last || self.random.random() {
                self.stream(number, SIDE);
            }
        }
        self.link(count, [format!("{}:{EXIT}", self.name(last)), "sink".to_owned()]);
    }
}
