//! A client of QEMU's monitor (QEMU Machine Protocol): a line of JSON each way.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};

/// QEMU answers a command within this time, or is broken. It greets once it has taken and, where asked, touched all its memory.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A monitor that takes commands.
pub(super) struct Monitor {
    input: UnixStream,
    output: BufReader<UnixStream>,
}

impl Monitor {
    /// Waits for the greeting and leaves negotiation mode, as the protocol has it.
    pub(super) fn greet(socket: UnixStream) -> anyhow::Result<Self> {
        socket.set_read_timeout(Some(PATIENCE)).and_then(|()| socket.set_write_timeout(Some(PATIENCE)))?;
        let mut monitor = Self { input: socket.try_clone()?, output: BufReader::new(socket) };
        let greeting = monitor.read()?;
        if greeting.get("QMP").is_none() {
            bail!("its monitor began with {greeting}");
        }
        monitor.execute("qmp_capabilities")?;
        Ok(monitor)
    }

    /// Executes a command without arguments; what it returns.
    pub(super) fn execute(&mut self, command: &str) -> anyhow::Result<Value> {
        self.execute_with(command, &json!({}))
    }

    /// Executes a command; what it returns.
    pub(super) fn execute_with(&mut self, command: &str, arguments: &Value) -> anyhow::Result<Value> {
        let line = format!("{}\n", json!({ "execute": command, "arguments": arguments }));
        self.input.write_all(line.as_bytes()).with_context(|| format!("its monitor does not take {command}"))?;
        loop {
            let mut answer = self.read().with_context(|| format!("its monitor does not answer {command}"))?;
            if let Some(returned) = answer.get_mut("return") {
                return Ok(returned.take());
            }
            if let Some(error) = answer.get("error") {
                let reason = error.get("desc").and_then(Value::as_str).unwrap_or("no reason given");
                bail!("its monitor refuses {command}: {reason}");
            }
            // an event: it may come at any time
        }
    }

    /// Waits for an event in whose data this finds what it looks for.
    pub(super) fn await_event<T>(&mut self, event: &str, mut find: impl FnMut(&Value) -> Option<T>) -> anyhow::Result<T> {
        loop {
            let said = self.read().with_context(|| format!("its monitor does not tell of {event}"))?;
            let data = said.get("data").filter(|_| said.get("event").and_then(Value::as_str) == Some(event));
            if let Some(found) = data.and_then(&mut find) {
                return Ok(found);
            }
        }
    }

    fn read(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Err(anyhow!("its monitor is closed")),
            Ok(_) => serde_json::from_str(&line).with_context(|| format!("its monitor says {}", line.trim())),
            Err(error) => Err(error).context("its monitor says nothing"),
        }
    }
}

/// The kernel's ids of the threads that run virtual CPUs, in their order.
pub(super) fn virtual_cpus(monitor: &mut Monitor) -> anyhow::Result<Vec<i32>> {
    let cpus = monitor.execute("query-cpus-fast")?;
    let cpus = cpus.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut threads: Vec<(i64, i32)> = cpus.iter().filter_map(cpu).collect();
    threads.sort_unstable();
    if threads.is_empty() || threads.len() != cpus.len() {
        bail!("its monitor does not tell the threads of all virtual CPUs");
    }
    Ok(threads.into_iter().map(|(_, thread)| thread).collect())
}

fn cpu(cpu: &Value) -> Option<(i64, i32)> {
    let number = |name: &str| cpu.get(name)?.as_i64();
    Some((number("cpu-index")?, i32::try_from(number("thread-id")?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A monitor at the other end of whose socket these lines have been said.
    fn monitor(lines: &str) -> anyhow::Result<(Monitor, UnixStream)> {
        let (near, mut far) = UnixStream::pair().unwrap();
        far.write_all(lines.as_bytes()).unwrap();
        far.shutdown(std::net::Shutdown::Write).unwrap();
        Monitor::greet(near).map(|monitor| (monitor, far))
    }

    const GREETING: &str = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n{\"return\": {}}\r\n";

    #[test]
    fn events_are_passed_over_and_threads_come_in_the_order_of_cpus() {
        let answers = "{\"event\": \"RESUME\", \"timestamp\": {}}\r\n\
            {\"return\": [{\"cpu-index\": 1, \"thread-id\": 41}, {\"cpu-index\": 0, \"thread-id\": 42}]}\r\n";
        let (mut monitor, _far) = monitor(&format!("{GREETING}{answers}")).unwrap();
        assert_eq!(virtual_cpus(&mut monitor).unwrap(), [42, 41]);
    }

    #[test]
    fn an_event_is_awaited_among_others() {
        let said = "{\"event\": \"STOP\"}\r\n{\"event\": \"MIGRATION\", \"data\": {\"status\": \"active\"}}\r\n\
            {\"event\": \"MIGRATION\", \"data\": {\"status\": \"completed\"}}\r\n";
        let (mut monitor, _far) = monitor(&format!("{GREETING}{said}")).unwrap();
        let ended = |data: &Value| data.get("status")?.as_str().filter(|status| *status != "active").map(str::to_owned);
        assert_eq!(monitor.await_event("MIGRATION", ended).unwrap(), "completed");
        assert!(format!("{:#}", monitor.await_event("MIGRATION", ended).unwrap_err()).contains("MIGRATION"));
    }

    #[test]
    fn refusals_and_silence_are_errors() {
        let refusal = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"not now\"}}\r\n";
        let (mut monitor, _far) = monitor(&format!("{GREETING}{refusal}")).unwrap();
        assert!(monitor.execute("cont").unwrap_err().to_string().contains("refuses cont: not now"));
        assert!(format!("{:#}", monitor.execute("cont").unwrap_err()).contains("closed"));
        assert!(self::monitor("").is_err() && self::monitor("hello\n").is_err());
    }
}
