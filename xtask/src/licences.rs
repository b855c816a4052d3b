//! Every dependency's licence, against the list in deny.toml.

use std::fs;

use anyhow::{Context, bail};
use cargo_metadata::{CargoOpt, MetadataCommand};
use serde::Deserialize;
use spdx::{Expression, LicenseReq, Licensee, ParseMode};

/// As far as we read it; cargo-deny reads the rest.
#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
    #[serde(default)]
    clarify: Vec<Clarification>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Clarification {
    #[serde(rename = "crate")]
    name: String,
    expression: String,
}

/// Checks all packages that the lock file names for our target; returns a line to print.
pub(crate) fn check() -> anyhow::Result<String> {
    let Deny { licenses } = toml::from_str(&fs::read_to_string("deny.toml")?).context("deny.toml")?;
    let metadata = MetadataCommand::new()
        .features(CargoOpt::AllFeatures)
        .other_options(["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned))
        .exec()?;
    let mut refused = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let clarified = licenses.clarify.iter().find(|clarification| clarification.name == name);
        let Some(expression) = clarified.map(|clarification| &clarification.expression).or(package.license.as_ref()) else {
            refused.push(format!("{name} {} names no licence", package.version));
            continue;
        };
        let extra = licenses.exceptions.iter().filter(|exception| exception.name == name).flat_map(|exception| &exception.allow);
        let allowed: Vec<Licensee> =
            licenses.allow.iter().chain(extra).filter_map(|licence| Licensee::parse(licence).ok()).collect();
        // older manifests separate alternatives by a slash
        let parsed =
            Expression::parse_mode(expression, ParseMode::LAX).with_context(|| format!("licence of {name}: {expression}"))?;
        if !parsed.evaluate(|wanted: &LicenseReq| allowed.iter().any(|licensee| licensee.satisfies(wanted))) {
            refused.push(format!("{name} {}: {expression}", package.version));
        }
    }
    if !refused.is_empty() {
        bail!("licences that deny.toml does not allow: {}", refused.join("; "));
    }
    Ok(format!("the licences of {} packages are allowed", metadata.packages.len()))
}
