//! Ways into a container: a run under way with one in it, and agents inside that are spoken to.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};

use rustix::process::Signal;
use serde_json::json;
use tailbed_format::message::{Command, Frame, Reply, read_frame, write_message, write_stream};
use tailbed_format::program::{Exit, Program, Stream};
use tailbed_plan::step::{Confinement, ContainerSpec, Seccomp};

use crate::container::container_agent;
use crate::interrupted::{signal, wait_for};
use crate::support::Lab;

/// A run under way and the container in it.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) inside: String,
}

impl Running {
    /// Starts the experiment and waits until the agent in the container has loaded its profile and opened its sockets.
    pub(super) fn start(lab: &Lab) -> Self {
        // with cores of their own the agents would leave none for those who look inside
        let arguments = ["run", "experiment.toml", "--set", "isolation=false"];
        let child = lab.tailbed().args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let inside = wait_for(|| container_agent(child.id()));
        let running = Self { child, inside };
        wait_for(|| {
            let packet = fs::read_to_string(format!("/proc/{}/net/packet", running.inside)).ok()?;
            (packet.lines().count() > 1).then_some(())
        });
        running
    }

    pub(super) fn of_process(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.inside)).unwrap()
    }

    /// A line of /proc/pid/status.
    pub(super) fn status(&self, name: &str) -> String {
        let status = self.of_process("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        line.unwrap_or_else(|| panic!("{name}: {status}")).to_owned()
    }

    /// Another agent in the container's namespaces, as root there.
    pub(super) fn agent_in_its_user_namespace(&self) -> Inside {
        let mut command = Process::new("nsenter");
        command.args(["-t", &self.inside, "-m", "-u", "-i", "-n", "-p", "-U", "-r", "-w"]);
        command.args(["/bin/busybox", "env", "PATH=/bin", "/tailbed", "agent", "--seccomp"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Inside { child, input, output }
    }

    /// Ends the run as a user would.
    pub(super) fn interrupt(mut self) {
        signal(&self.child, Signal::INT);
        assert!(matches!(self.end().0, Some(0 | 130)));
    }

    pub(super) fn end(&mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

/// A test that fails must not spoil those after it.
impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            signal(&self.child, Signal::INT);
            self.child.wait().unwrap();
        }
    }
}

/// An agent that runs programs; the child ends once its input does.
pub(super) struct Inside {
    pub(super) child: Child,
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
}

impl Inside {
    /// A container of its own, without a run around it: the shim is started as a run would, and its agent is spoken to.
    pub(super) fn alone(lab: &Lab, seccomp: Seccomp) -> Self {
        let id = "tb-0confine-dut";
        let spec = ContainerSpec {
            id: id.to_owned(),
            cgroup: None,
            image: None,
            read_only: true,
            user_namespace: false,
            devices: Vec::new(),
            volumes: Vec::new(),
            hugepages: Vec::new(),
            preferred_node: None,
            masks: None,
            confinement: Confinement { seccomp, ..Confinement::default() },
        };
        let image = json!({ "rootfs": lab.path("image"), "environment": ["PATH=/bin"], "working_directory": null });
        let order = json!({ "spec": spec, "namespace": null, "image": image, "binary": env!("CARGO_BIN_EXE_tailbed") });
        let bundle = Path::new("/run/tailbed").join(id);
        for folder in ["base", "rootfs", "private"] {
            fs::create_dir_all(bundle.join(folder)).unwrap();
        }
        fs::write(bundle.join("container.json"), order.to_string()).unwrap();
        let parent = std::process::id().to_string();
        let mut command = lab.tailbed();
        command.args(["container", "--id", id, "--parent", &parent]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            output.read_exact(&mut byte).unwrap();
            line.extend(byte);
        }
        let line = String::from_utf8(line).unwrap();
        assert!(line.trim().parse::<u32>().is_ok(), "{line}");
        Self { child, input, output }
    }

    /// Runs a script of the shell; all it printed and how it ended.
    pub(super) fn shell(&mut self, script: &str) -> (String, Exit) {
        let program = Program {
            cpus: Vec::new(),
            command: vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()],
            script: None,
            environment: Vec::new(),
            timeout: Some(20_000_000_000),
            terminal: None,
        };
        write_message(&mut self.input, &Command::Execute { session: 1, program }).unwrap();
        write_stream(&mut self.input, 1, Stream::Input, b"").unwrap();
        self.input.flush().unwrap();
        let mut printed = Vec::new();
        loop {
            match read_frame(&mut self.output).unwrap().expect("the agent inside goes on") {
                Frame::Stream { bytes, .. } => printed.extend(bytes),
                Frame::Json(body) => {
                    if let Ok(Reply::Exited { exit, .. }) = serde_json::from_slice(&body) {
                        return (String::from_utf8_lossy(&printed).into_owned(), exit);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub(super) fn leave(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}
