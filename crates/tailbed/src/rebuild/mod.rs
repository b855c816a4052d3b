//! From a results folder to what is reported of it: by `run` at its end, by `report` at any time.
//!
//! A report is made of the campaign's outline ([`crate::results::begun`]), the host's facts and each run's own files, one run after the
//! other; the campaign's summary and page follow from them. What is not there or not whole is noted ([`Fault`]), and the rest is reported.

mod fault;
mod folder;
mod guarded;
mod imported;
mod lives;
mod noise;
mod outline;
mod packets;
mod runs;
mod searches;

use std::path::Path;

use serde::Serialize;
use tailbed_format::facts::Facts;
use tailbed_format::results;
use tailbed_stats::report::NamedFigure;

pub(crate) use fault::Fault;
pub(crate) use folder::name;
pub(crate) use imported::imported;
pub(crate) use lives::Lives;
pub(crate) use noise::Noise;
pub(crate) use packets::Packets;
pub(crate) use searches::Searches;

use crate::colour_allowed;
use crate::failure::Failure;
use crate::results::Kind;
use crate::results::campaign::json;
use crate::show;
use crate::show::charset::Charset;
use crate::show::table::Look;
use folder::Opened;

/// A campaign, read from its folder.
pub(crate) enum Campaign {
    /// Of packets.
    Packets(Box<Packets>),
    /// Of searches for throughput.
    Searches(Box<Searches>),
    /// Of lives.
    Lives(Box<Lives>),
    /// Of noise tests.
    Noise(Box<Noise>),
}

/// What a campaign amounts to, to be written.
pub(crate) struct Rebuilt {
    /// The campaign.
    pub(crate) campaign: Campaign,
    /// All that is wrong with its folder.
    pub(crate) faults: Vec<Fault>,
}

impl Rebuilt {
    /// Reads a results folder.
    ///
    /// # Errors
    /// When it is none. Whatever else is wrong with it is among the faults.
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        let opened = Opened::open(path)?;
        let mut campaign = match opened.outline.kind {
            Kind::Packets => Campaign::Packets(Box::new(Packets::of(opened))),
            Kind::Searches => Campaign::Searches(Box::new(Searches::of(opened))),
            Kind::Lives => Campaign::Lives(Box::new(Lives::of(opened))),
            Kind::Noise => Campaign::Noise(Box::new(Noise::of(opened))),
        };
        let faults = campaign.opened_mut().faults();
        Ok(Self { campaign, faults })
    }

    /// The same of a campaign whose last run has just ended, and which has no summary yet.
    pub(crate) fn at_the_end(path: &Path) -> Result<Self, Failure> {
        let mut rebuilt = Self::of(path)?;
        rebuilt.faults.retain(|fault| fault.file != results::SUMMARY);
        Ok(rebuilt)
    }

    /// The page and its plots.
    pub(crate) fn page(&self) -> (String, Vec<NamedFigure>) {
        let faults: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        match &self.campaign {
            Campaign::Packets(packets) => packets.page(&faults),
            Campaign::Searches(searches) => searches.page(&faults),
            Campaign::Lives(lives) => lives.page(&faults),
            Campaign::Noise(noise) => noise.page(&faults),
        }
    }
}

impl Campaign {
    fn opened(&self) -> &Opened {
        match self {
            Self::Packets(packets) => &packets.opened,
            Self::Searches(searches) => &searches.opened,
            Self::Lives(lives) => &lives.opened,
            Self::Noise(noise) => &noise.opened,
        }
    }

    fn opened_mut(&mut self) -> &mut Opened {
        match self {
            Self::Packets(packets) => &mut packets.opened,
            Self::Searches(searches) => &mut searches.opened,
            Self::Lives(lives) => &mut lives.opened,
            Self::Noise(noise) => &mut noise.opened,
        }
    }

    /// The host.
    pub(crate) fn facts(&self) -> &Facts {
        &self.opened().facts
    }

    /// The question, where it asks one.
    pub(crate) fn question(&self) -> Option<&str> {
        self.opened().outline.question.as_deref().filter(|question| !question.trim().is_empty())
    }

    /// The answer.
    pub(crate) fn answer(&self) -> &str {
        match self {
            Self::Packets(packets) => &packets.summary.answer,
            Self::Searches(searches) => &searches.summary.answer,
            Self::Lives(lives) => &lives.summary.answer,
            Self::Noise(noise) => &noise.summary.answer,
        }
    }

    /// What is written as the campaign's summary.
    pub(crate) fn summary(&self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Packets(packets) => json(&packets.summary),
            Self::Searches(searches) => json(&searches.summary),
            Self::Lives(lives) => json(&lives.summary),
            Self::Noise(noise) => json(&noise.summary),
        }
    }

    /// The same as a value of JSON.
    pub(crate) fn summary_value(&self) -> anyhow::Result<serde_json::Value> {
        fn value(summary: &impl Serialize) -> anyhow::Result<serde_json::Value> {
            Ok(serde_json::to_value(summary)?)
        }
        match self {
            Self::Packets(packets) => value(&packets.summary),
            Self::Searches(searches) => value(&searches.summary),
            Self::Lives(lives) => value(&lives.summary),
            Self::Noise(noise) => value(&noise.summary),
        }
    }

    /// The tables and the answer for the terminal; `fit` breaks lines to its width.
    pub(crate) fn text(&self, fit: bool) -> String {
        match self {
            Self::Packets(packets) => {
                let summary = &packets.summary;
                let valid = summary.runs.iter().filter(|run| run.is_valid());
                let unquiet = unquiet(valid.filter_map(|run| Some((run.cell, run.proof.as_ref()?))));
                let unsteady = tailbed_stats::repeats::words::sentence(summary);
                let unsteady = unsteady.map_or_else(String::new, |sentence| format!("{sentence}\n"));
                let deadlines = show::deadlines::lines(summary);
                let look = Look { fit, colour: fit && colour_allowed(), charset: Charset::of_environment() };
                let table = show::table::campaign(summary, &packets.densities(), look);
                format!("{table}\n\n{}\n{unsteady}{unquiet}{deadlines}", summary.answer)
            }
            Self::Searches(searches) => {
                let summary = &searches.summary;
                let unquiet = unquiet(summary.runs.iter().filter_map(|run| Some((run.cell, run.proof.as_ref()?))));
                format!("{}\n\n{}\n{unquiet}", show::searches::table(summary, fit), summary.answer)
            }
            Self::Lives(lives) => format!("{}\n\n{}\n", show::lives::table(&lives.summary, fit), lives.summary.answer),
            Self::Noise(noise) => format!("{}\n{}\n", show::noise::cells(&noise.summary, fit), noise.summary.answer),
        }
    }
}

/// What disturbed packet cores, a sentence of its own line; nothing where nothing did.
fn unquiet<'a>(proofs: impl Iterator<Item = (usize, &'a tailbed_format::proof::Proof)>) -> String {
    tailbed_stats::proof::gathered::sentence(proofs).map_or_else(String::new, |sentence| format!("{sentence}\n"))
}
