//! One of the results that are reported: a campaign that was made here, or what others found.

use std::path::Path;

use tailbed_format::imported::Imported;
use tailbed_stats::report::several::{Found, SideInput};
use tailbed_stats::report::table::{self, Table};

use crate::failure::Failure;
use crate::rebuild::{Campaign, Rebuilt, imported, name};

/// A results folder, read.
pub(super) struct Side {
    /// What it is called: as its folder, and told apart from others.
    pub(super) name: String,
    read: Read,
}

enum Read {
    Campaign {
        rebuilt: Rebuilt,
        /// Of campaigns without packets' latencies, which stand beside others as tables alone.
        tables: Vec<Table>,
    },
    Imported(Imported),
}

impl Side {
    /// Reads a folder.
    ///
    /// # Errors
    /// When it holds no results at all.
    pub(super) fn of(folder: &Path) -> Result<Self, Failure> {
        let read = if let Some(imported) = imported(folder)? {
            Read::Imported(imported)
        } else {
            let rebuilt = Rebuilt::of(folder)?;
            let tables = match &rebuilt.campaign {
                Campaign::Packets(packets) => table::of_packets(&packets.summary),
                Campaign::Searches(searches) => table::of_searches(&searches.summary),
                Campaign::Lives(lives) => table::of_lives(&lives.summary),
                Campaign::Noise(noise) => table::of_noise(&noise.summary),
            };
            Read::Campaign { rebuilt, tables }
        };
        Ok(Self { name: name(folder), read })
    }

    /// What could not be read, a sentence each; of several folders each says which it is of.
    pub(super) fn faults(&self, several: bool) -> Vec<String> {
        let Read::Campaign { rebuilt, .. } = &self.read else { return Vec::new() };
        let said = |fault: &crate::rebuild::Fault| if several { format!("{}/{fault}", self.name) } else { fault.to_string() };
        rebuilt.faults.iter().map(said).collect()
    }

    /// The campaign; `None` of results of others.
    pub(super) fn rebuilt(&self) -> Option<&Rebuilt> {
        match &self.read {
            Read::Campaign { rebuilt, .. } => Some(rebuilt),
            Read::Imported(_) => None,
        }
    }

    /// The question of the campaign, or what it is called.
    pub(super) fn title(&self) -> &str {
        match &self.read {
            Read::Campaign { rebuilt, .. } => rebuilt.campaign.question().unwrap_or(&self.name),
            Read::Imported(imported) => &imported.name,
        }
    }

    /// As several stand beside each other.
    pub(super) fn input(&self) -> SideInput<'_> {
        let found = match &self.read {
            Read::Imported(imported) => Found::Imported(imported),
            Read::Campaign { rebuilt, tables } => match &rebuilt.campaign {
                Campaign::Packets(packets) => {
                    Found::Packets { summary: &packets.summary, data: &packets.data, facts: rebuilt.campaign.facts() }
                }
                other => Found::Other { answer: other.answer(), tables, facts: other.facts() },
            },
        };
        SideInput { name: &self.name, found }
    }

    /// Every figure as a row.
    pub(super) fn figures(&self) -> Vec<table::tidy::Figure<'_>> {
        match &self.read {
            Read::Imported(imported) => table::tidy::of_imported(&self.name, imported),
            Read::Campaign { rebuilt, .. } => match &rebuilt.campaign {
                Campaign::Packets(packets) => table::tidy::of_packets(&self.name, &packets.summary),
                Campaign::Searches(searches) => table::tidy::of_searches(&self.name, &searches.summary),
                Campaign::Lives(lives) => table::tidy::of_lives(&self.name, &lives.summary),
                Campaign::Noise(noise) => table::tidy::of_noise(&self.name, &noise.summary),
            },
        }
    }
}
