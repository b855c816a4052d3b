//! The function that an order names: the choice is made once, and the loop compiled for each by itself.

use tailbed_format::function::Function;
use tailbed_format::order::ForwardRule;

use super::{Ports, relay};
use crate::function::{Bng, Exits, Filter, L2fwd, L3fwd, None, Reflect, TableError};
use crate::port::{Receive, Transmit};
use crate::stop::Stop;

/// One of the functions, with its tables.
#[derive(Debug, Clone)]
pub(super) enum AnyFunction {
    None(None),
    L2fwd(L2fwd),
    L3fwd(L3fwd),
    Bng(Box<Bng>),
    Reflect(Reflect),
    Filter(Box<Filter>),
}

impl AnyFunction {
    /// Makes the tables of a function that forwards by these rules.
    pub(super) fn new(function: &Function, rules: &[ForwardRule]) -> Result<Self, TableError> {
        let exits = Exits::of(rules);
        Ok(match function {
            Function::None => Self::None(None),
            Function::L2fwd => Self::L2fwd(L2fwd::new(exits)),
            Function::L3fwd { routes, further } => Self::L3fwd(L3fwd::new(exits.and_further(further, rules), routes)?),
            Function::Bng(settings) => Self::Bng(Box::new(Bng::new(exits, settings)?)),
            Function::Reflect => Self::Reflect(Reflect::new(exits)),
            Function::Filter { rules } => Self::Filter(Box::new(Filter::new(exits, rules)?)),
        })
    }
}

/// The loop of that function.
pub(super) fn run<R: Receive, T: Transmit>(
    function: &mut AnyFunction,
    ports: &mut Ports<R, T>,
    batch: u32,
    stop: &Stop,
    rest: impl FnMut(&[R]),
) {
    match function {
        AnyFunction::None(function) => relay(function, ports, batch, stop, rest),
        AnyFunction::L2fwd(function) => relay(function, ports, batch, stop, rest),
        AnyFunction::L3fwd(function) => relay(function, ports, batch, stop, rest),
        AnyFunction::Bng(function) => relay(function.as_mut(), ports, batch, stop, rest),
        AnyFunction::Reflect(function) => relay(function, ports, batch, stop, rest),
        AnyFunction::Filter(function) => relay(function.as_mut(), ports, batch, stop, rest),
    }
}
