//! The programs that tests are built into.

use std::io::BufReader;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use cargo_metadata::Message;

use super::cargo;

/// A program of tests.
#[derive(Debug, Clone)]
pub(super) struct Binary {
    /// The package it tests.
    pub(super) package: String,
    /// The name of its target: that of the package, or of a file of its tests.
    pub(super) target: String,
    /// Where it is.
    pub(super) executable: String,
    /// The folder of its package, which it is run in.
    folder: String,
}

/// What a build gives.
#[derive(Debug, Clone, Default)]
pub(super) struct Built {
    /// The programs of tests, in the order in which they were done.
    pub(super) tests: Vec<Binary>,
    /// The program that they start.
    pub(super) program: String,
}

/// Builds all tests of the workspace, and the programs that they start.
pub(super) fn build() -> anyhow::Result<Built> {
    let mut command =
        cargo(&["test", "--workspace", "--locked", "--no-run", "--quiet", "--message-format", "json-render-diagnostics"]);
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot run cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let mut all = Built::default();
    for message in Message::parse_stream(BufReader::new(output)) {
        let Message::CompilerArtifact(artifact) = message? else { continue };
        let Some(executable) = artifact.executable else { continue };
        if !artifact.profile.test {
            if artifact.target.name == "tailbed" {
                all.program = executable.into_string();
            }
            continue;
        }
        let folder = artifact.manifest_path.parent().map(ToString::to_string).unwrap_or_default();
        let package = folder.rsplit('/').next().unwrap_or_default();
        let package = if ["tailbed", "xtask"].contains(&package) { package.to_owned() } else { format!("tailbed-{package}") };
        all.tests.push(Binary { package, target: artifact.target.name, executable: executable.into_string(), folder });
    }
    let status = child.wait()?;
    if status.success() { Ok(all) } else { bail!("the build ended with {status}") }
}

impl Binary {
    /// What runs it, as `cargo test` would; `beside` the tests of the host it steps back.
    pub(super) fn command(&self, beside: bool) -> Command {
        let mut command = if beside { Command::new("nice") } else { Command::new(&self.executable) };
        if beside {
            command.args(["-n", "19", &self.executable]);
        }
        // a golden that differs is written down and the test goes on, so that all that differ are seen at once; the suite of goldens fails for them
        let goldens = [("INSTA_FORCE_PASS", "1"), ("INSTA_UPDATE", "new")];
        let root = std::env::current_dir().unwrap_or_default();
        command.current_dir(&self.folder).envs(goldens).env("INSTA_WORKSPACE_ROOT", root);
        command.env("CARGO", env!("CARGO")).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }
}
