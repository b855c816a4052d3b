//! Routes as text: `10.0.0.0/8 out`.

use std::str::FromStr;

use super::lines::{self, WrongLine};
use super::{Port, Prefix, WrongPrefix};

/// A route: packets to these addresses leave by this port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The addresses.
    pub prefix: Prefix,
    /// The port.
    pub port: Port,
}

/// A line is not a route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongRoute {
    /// Not two words.
    #[error("`{0}` is not a route; write prefix and port, for example 10.0.0.0/8 out")]
    Form(String),
    /// No prefix.
    #[error(transparent)]
    Prefix(#[from] WrongPrefix),
    /// No port.
    #[error("`{0}` is not a port of a forwarder; write in, out, or out2 to out250")]
    Port(String),
}

impl FromStr for Route {
    type Err = WrongRoute;

    fn from_str(line: &str) -> Result<Self, WrongRoute> {
        let words = lines::words(line);
        let [prefix, port] = words[..] else { return Err(WrongRoute::Form(line.to_owned())) };
        let prefix = prefix.parse()?;
        let port = Port::named(port).ok_or_else(|| WrongRoute::Port(port.to_owned()))?;
        Ok(Self { prefix, port })
    }
}

/// The routes of a text; `name` is what errors call it.
///
/// # Errors
/// The first line that is not a route, or whose prefix is there already.
pub fn routes(name: &str, text: &str) -> Result<Vec<Route>, WrongLine> {
    lines::read(name, text, str::parse, |route: &Route| Some(route.prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_table_is_read_line_by_line() {
        let read = routes("r.txt", "# core\n10.0.0.0/8 out # all of it\n\n  0.0.0.0/0\tin\n").unwrap();
        assert_eq!(read.iter().map(|route| route.prefix.to_string()).collect::<Vec<_>>(), ["10.0.0.0/8", "0.0.0.0/0"]);
        assert_eq!(read.iter().map(|route| route.port).collect::<Vec<_>>(), [Port::Out, Port::In]);
    }

    #[test]
    fn further_ports_have_numbers() {
        let ports: Vec<_> = routes("r", "10.0.0.0/8 out2\n11.0.0.0/8 out250").unwrap().iter().map(|route| route.port).collect();
        assert_eq!(ports, [Port::Further(2), Port::Further(250)]);
        assert_eq!(ports.iter().map(Port::to_string).collect::<Vec<_>>(), ["out2", "out250"]);
        for wrong in ["out1", "out251", "out02", "out+2", "out-2", "outer", "in2", "out 2"] {
            assert_eq!(Port::named(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        let refused = |text: &str| routes("r.txt", text).unwrap_err().to_string();
        assert_eq!(refused("\n10.0.0.0/8 up"), "r.txt:2: `up` is not a port of a forwarder; write in, out, or out2 to out250");
        assert!(refused("10.0.0.0/8").starts_with("r.txt:1: `10.0.0.0/8` is not a route; write "));
        assert!(refused("10.0.0.0/8 out now").starts_with("r.txt:1: "));
        assert_eq!(
            refused("10.0.0.0/8 in\n#\n10.0.0.0/8 out"),
            "r.txt:3: `10.0.0.0/8 out` is there already, in line 1; leave one of them out"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_table_or_not(text in "[\\PC\n]{0,60}") {
            let _ = routes("r", &text);
        }
    }
}
