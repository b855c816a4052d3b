//! The thread of the packet loop.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use rustix::thread::CpuSet;
use tailbed_format::capture::{Capture, Captured};
use tailbed_format::message::Forwarded;
use tailbed_format::noise::{Loaded, NoiseMeasured};
use tailbed_format::order::{Measure, Order, Path, Scheduling, SimulatedWire};
use tailbed_format::port::Ports;
use tailbed_format::recording::Recording;

use super::forwarder::forward;
use super::noise;
use crate::clock::{self, Tsc};
use crate::measure::Outcome;
use crate::port::{
    self, Opened, Pair, PortError, Receive, Rest, Several, SimulatedClock, SimulatedPort, Transmit, Use, WireModel, Wired, Wires,
};
use crate::stop::Stop;
use crate::{capture, measure, realtime};

/// What came of a run.
#[derive(Debug)]
pub(super) enum Done {
    /// Of a measurement.
    Measured(Box<Outcome>),
    /// Of a forwarder.
    Forwarded(Forwarded),
    /// Of a timestamper.
    Captured(Captured),
    /// Of a noise test.
    Noise(NoiseMeasured),
    /// Of a neighbour.
    Loaded(Loaded),
}

/// A thread that has prepared an order and waits to be told to start. Dropped, it is told that it will not be.
#[derive(Debug)]
pub(super) struct Worker {
    start: Sender<Arc<Stop>>,
    thread: JoinHandle<Result<Done, Reason>>,
}

/// Why an order could not be prepared or carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// Something went wrong.
    Failed(String),
    /// A port cannot be had here.
    Refused(String),
}

impl From<&str> for Reason {
    fn from(reason: &str) -> Self {
        Self::Failed(reason.to_owned())
    }
}

impl From<String> for Reason {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

impl From<PortError> for Reason {
    /// An interface that is not there may come back; what the kernel refuses it refuses again.
    fn from(error: PortError) -> Self {
        match error {
            PortError::NoInterface { .. } => Self::Failed(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

/// What an order can count on.
#[derive(Debug)]
pub(super) struct Granted {
    /// What was asked for and not granted.
    pub(super) downgrades: Vec<String>,
    /// The ports; none on a simulated path.
    pub(super) ports: Option<Ports>,
}

/// Starts the thread and has it prepare the order; gives what was granted, or the reason why it cannot. It gives up the priority
/// that it inherits, so that opening holds up no core, unless it may run on the loop's own cores (of `home`) only: there it would wait for whatever
/// else keeps them busy.
///
/// # Errors
/// When no thread can be started.
pub(super) fn prepare(order: Order, recording: Recording, home: CpuSet) -> io::Result<Result<(Worker, Granted), Reason>> {
    let (ready, is_ready) = mpsc::channel();
    let (start, started) = mpsc::channel();
    let go = Go { ready, started };
    let task = move || {
        let scheduling = order.scheduling();
        if scheduling.priority.is_some() && !realtime::is_confined(scheduling, &home) {
            realtime::step_down(&home);
        }
        match order {
            Order::Measure(order) => measure(&order, recording, go),
            Order::Forward(order) => forward(&order, go),
            Order::Capture(order) => record(&order, go),
            Order::Noise(order) => noise::noise(&order, go),
            Order::Load(order) => noise::load(&order, go),
        }
    };
    let thread = std::thread::Builder::new().name("packets".to_owned()).spawn(task)?;
    let worker = Worker { start, thread };
    Ok(match is_ready.recv() {
        Ok(granted) => Ok((worker, granted)),
        // The thread has ended without getting ready: its result says why.
        Err(_) => Err(worker.result().err().unwrap_or_else(|| "the order ended before it began".into())),
    })
}

impl Worker {
    /// Has the thread carry its order out, and waits for it.
    pub(super) fn run(self, stop: Arc<Stop>) -> Result<Done, Reason> {
        // A thread that is gone already has its reason in its result.
        let _ = self.start.send(stop);
        self.result()
    }

    fn result(self) -> Result<Done, Reason> {
        let crashed = |_| Err("the packet loop crashed, which is an error in tailbed; its message is on standard error".into());
        self.thread.join().unwrap_or_else(crashed)
    }
}

/// The thread's side: says that it is ready, and waits.
#[derive(Debug)]
pub(super) struct Go {
    ready: Sender<Granted>,
    started: Receiver<Arc<Stop>>,
}

impl Go {
    /// Reports what was granted and waits for the start.
    pub(super) fn wait(self, downgrades: Vec<String>, ports: Option<Ports>) -> Result<Arc<Stop>, Reason> {
        let abandoned = "the order was dropped before it was started";
        self.ready.send(Granted { downgrades, ports }).map_err(|_| abandoned)?;
        Ok(self.started.recv().map_err(|_| abandoned)?)
    }
}

fn measure(order: &Measure, recording: Recording, go: Go) -> Result<Done, Reason> {
    match &order.path {
        Path::Interfaces { .. } | Path::Mixed { .. } => measure_real(order, recording, go),
        Path::Simulated(wire) => measure_simulated(order, recording, wire, go),
    }
}

fn measure_real(order: &Measure, recording: Recording, go: Go) -> Result<Done, Reason> {
    let pinned = realtime::pin(&order.scheduling.cpus);
    let (transmit, receive) = measure::ends_of(&order.streams());
    let transmit: Vec<_> = transmit.iter().map(String::as_str).collect();
    let receive: Vec<_> = receive.iter().map(String::as_str).collect();
    let wires = Wired {
        receive: &receive,
        transmit: &transmit,
        memory: order.path.memory(),
        sockets: &order.sockets,
        shown: order.shown,
    };
    let measuring = Measuring { order, recording, downgrades: Vec::from_iter(pinned), go };
    port::open(order.ports, wires, None, measuring)?
}

/// A measurement that only wants its ports.
struct Measuring<'a> {
    order: &'a Measure,
    recording: Recording,
    downgrades: Vec<String>,
    go: Go,
}

impl Use for Measuring<'_> {
    type Output = Result<Done, Reason>;

    fn with<R, T>(self, mut receive: Vec<R>, mut transmit: Vec<T>, opened: &Opened) -> Self::Output
    where
        R: Receive + Rest + Debug + Send + 'static,
        T: Transmit + Debug + Send + 'static,
    {
        match (transmit.len(), receive.pop(), transmit.pop()) {
            (1, Some(receive), Some(transmit)) => self.over(Pair { receive, transmit }, opened),
            (_, Some(last_in), Some(last_out)) => {
                receive.push(last_in);
                transmit.push(last_out);
                self.over(Several::new(transmit, receive), opened)
            }
            _ => Err("no port was opened, which is an error in tailbed".into()),
        }
    }
}

impl Measuring<'_> {
    fn over(self, mut port: impl Wires, opened: &Opened) -> Result<Done, Reason> {
        let Self { order, recording, mut downgrades, go } = self;
        downgrades.extend(opened.downgrades.iter().cloned());
        let prepared = measure::prepare(order, recording, &Tsc).map_err(|error| error.to_string())?;
        downgrades.extend(undisturbed(&order.scheduling));
        if !clock::is_invariant() {
            let sentence = "this CPU's time-stamp counter may change its rate (no invariant TSC): times between readings of the clock are                             less exact";
            downgrades.push(sentence.to_owned());
        }
        let stop = go.wait(downgrades, opened.ports)?;
        let outcome = measure::run(order, prepared, &Tsc, &mut port, &stop).map_err(|error| error.to_string())?;
        Ok(Done::Measured(Box::new(outcome)))
    }
}

/// A simulation needs no cores or priority, and asks for none.
fn measure_simulated(order: &Measure, recording: Recording, wire: &SimulatedWire, go: Go) -> Result<Done, Reason> {
    let clock = SimulatedClock::default();
    let interval = 1_000_000_000 / order.schedule.rate.max(1);
    let mut port = SimulatedPort::new(clock.clone(), WireModel::new(wire.clone(), interval));
    let prepared = measure::prepare(order, recording, &clock).map_err(|error| error.to_string())?;
    let stop = go.wait(Vec::new(), None)?;
    let outcome = measure::run(order, prepared, &clock, &mut port, &stop).map_err(|error| error.to_string())?;
    Ok(Done::Measured(Box::new(outcome)))
}

/// The thread keeps to its core; a capture needs no other than to be left the memory it has taken.
fn record(order: &Capture, go: Go) -> Result<Done, Reason> {
    let mut downgrades = Vec::from_iter(realtime::pin(&order.scheduling.cpus));
    let recorder = capture::open(order).map_err(|error| error.to_string())?;
    downgrades.extend(undisturbed(&order.scheduling));
    let stop = go.wait(downgrades, None)?;
    Ok(Done::Captured(recorder.run(&stop).map_err(|error| error.to_string())?))
}

/// Memory and priority, after everything has been opened and allocated: locking then finds all of it, and opening did not hold up a
/// core that others may need.
pub(super) fn undisturbed(scheduling: &Scheduling) -> Vec<String> {
    let mut downgrades = Vec::new();
    if scheduling.lock_memory {
        downgrades.extend(realtime::lock_memory());
    }
    realtime::touch_stack();
    realtime::tighten_timers();
    downgrades.extend(scheduling.priority.and_then(realtime::prioritize));
    downgrades
}
