//! A campaign's folder on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tailbed_format::facts::Facts;
use tailbed_format::results;
use tailbed_stats::plot::theme::Ground;
use tailbed_stats::report::NamedFigure;

use super::begun::{Begun, Identity};

/// A campaign's folder.
pub(crate) struct CampaignFolder {
    path: PathBuf,
}

impl CampaignFolder {
    /// Makes a new folder below `out`, named after the experiment and the time, and writes down what is to be done.
    pub(crate) fn create(out: &Path, begun: &Begun, experiment: &str, facts: &Facts, now: u64) -> anyhow::Result<Self> {
        let folder = Self { path: make_folder(out, &begun.identity.name, now)? };
        folder.write_new(results::EXPERIMENT, experiment.as_bytes())?;
        folder.write_new(results::CAMPAIGN, &json(begun)?)?;
        folder.write_new(results::FACTS, &json(facts)?)?;
        fs::create_dir(folder.path.join(results::RUNS))?;
        Ok(folder)
    }

    /// The newest folder below `out` that holds this very campaign without its end.
    pub(crate) fn find_unfinished(out: &Path, identity: &Identity, experiment: &str) -> anyhow::Result<Self> {
        let mut candidates: Vec<PathBuf> = fs::read_dir(out)
            .with_context(|| format!("cannot look for a campaign to resume in {}", out.display()))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir() && !path.join(results::SUMMARY).exists())
            .collect();
        candidates.sort();
        let is_this = |path: &PathBuf| {
            fs::read_to_string(path.join(results::EXPERIMENT)).is_ok_and(|text| text == experiment)
                && fs::read(path.join(results::CAMPAIGN))
                    .is_ok_and(|text| serde_json::from_slice::<Identity>(&text).is_ok_and(|found| found == *identity))
        };
        match candidates.into_iter().rev().find(is_this) {
            Some(path) => Ok(Self { path }),
            None => bail!(
                "{} holds no unfinished campaign of this very file with these options; run without --resume to begin one",
                out.display()
            ),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The facts recorded when the campaign began.
    pub(crate) fn facts(&self) -> anyhow::Result<Facts> {
        read_json(&self.path.join(results::FACTS))
    }

    /// Folder of an attempt: the run's name, and which attempt when it is not the first.
    pub(crate) fn attempt(&self, run: &str, attempt: u32) -> PathBuf {
        let runs = self.path.join(results::RUNS);
        if attempt == 0 { runs.join(run) } else { runs.join(format!("{run}-attempt{}", attempt + 1)) }
    }

    /// Makes the folder of an attempt. One that a killed campaign left half-full is moved aside, not overwritten.
    pub(crate) fn begin_attempt(&self, run: &str, attempt: u32) -> anyhow::Result<PathBuf> {
        let folder = self.attempt(run, attempt);
        if folder.exists() {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let aside =
                (1..1000).map(|number| folder.with_file_name(format!("{name}.broken{number}"))).find(|aside| !aside.exists());
            let aside = aside.with_context(|| format!("{} was left half-full a thousand times", folder.display()))?;
            fs::rename(&folder, &aside).with_context(|| format!("cannot move {} aside", folder.display()))?;
        }
        fs::create_dir(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(folder)
    }

    /// What an earlier session of the campaign found out, if it came that far.
    pub(crate) fn finished_attempt<T: DeserializeOwned>(&self, run: &str, attempt: u32) -> Option<T> {
        let text = fs::read(self.attempt(run, attempt).join(results::SUMMARY)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn write_new(&self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        write_new(&self.path.join(name), content)
    }
}

/// Makes a new folder below `out`, named after what it will hold and the time, seconds since 1970.
pub(crate) fn make_folder(out: &Path, name: &str, now: u64) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(out).with_context(|| format!("cannot make the results folder {}", out.display()))?;
    let stem = format!("{name}-{}", timestamp(now));
    let names = std::iter::once(stem.clone()).chain((2..1000).map(|number| format!("{stem}-{number}")));
    for name in names {
        let path = out.join(name);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                made.with_context(|| format!("cannot make the results folder {}", path.display()))?;
                return Ok(path);
            }
        }
    }
    bail!("{} holds a thousand campaigns of this second", out.display())
}

/// Reads a file that a campaign wrote.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
}

/// Writes a file that must not exist yet. It appears whole or not at all.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if path.exists() {
        bail!("{} exists already", path.display());
    }
    write_derived(path, content)
}

/// Writes a file that can be made again from the records: the report of a campaign that was killed while writing it is replaced.
pub(crate) fn write_derived(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let what = || format!("cannot write {}", path.display());
    let partial = path.with_extension("partial");
    fs::write(&partial, content).with_context(what)?;
    fs::rename(&partial, path).with_context(what)
}

/// Writes every plot as SVG and, for paper, as PNG, and the data in it as CSV, into the plots folder below `folder`.
pub(crate) fn write_plots(folder: &Path, plots: &[NamedFigure]) -> anyhow::Result<()> {
    let folder = folder.join(results::PLOTS);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for plot in plots {
        write_derived(&folder.join(format!("{}.svg", plot.name)), plot.figure.standalone().as_bytes())?;
        let image = plot.figure.png(Ground::Light).with_context(|| format!("cannot draw the plot {}", plot.name))?;
        write_derived(&folder.join(format!("{}.png", plot.name)), &image)?;
        write_derived(&folder.join(format!("{}.csv", plot.name)), plot.figure.csv().as_bytes())?;
    }
    Ok(())
}

/// Pretty JSON with a final line break.
pub(crate) fn json<T: Serialize>(value: &T) -> anyhow::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Seconds since 1970 as `20261121-013000`, UTC.
fn timestamp(seconds: u64) -> String {
    let time = chrono::DateTime::from_timestamp(i64::try_from(seconds).unwrap_or(i64::MAX), 0).unwrap_or_default();
    time.format("%Y%m%d-%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(runs: &[&str]) -> Begun {
        let runs = runs.iter().map(|run| (*run).to_owned()).collect();
        let identity = Identity { name: "a".to_owned(), set: Vec::new(), sweep: Vec::new(), runs };
        Begun { version: Begun::VERSION, identity, outline: None }
    }

    #[test]
    fn two_campaigns_in_one_second_have_their_own_folders() {
        let out = tempfile::tempdir().unwrap();
        let begun = begun(&["0000-a"]);
        let facts = crate::probe::facts();
        let first = CampaignFolder::create(out.path(), &begun, "name = \"a\"", &facts, 0).unwrap();
        let second = CampaignFolder::create(out.path(), &begun, "name = \"a\"", &facts, 0).unwrap();
        assert!(first.path().ends_with("a-19700101-000000"));
        assert!(second.path().ends_with("a-19700101-000000-2"));
        let found = CampaignFolder::find_unfinished(out.path(), &begun.identity, "name = \"a\"").unwrap();
        assert_eq!(found.path(), second.path());
        assert!(CampaignFolder::find_unfinished(out.path(), &begun.identity, "name = \"b\"").is_err());
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        write_new(&path, b"1").unwrap();
        assert!(write_new(&path, b"2").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"1");
    }

    #[test]
    fn a_half_full_attempt_is_moved_aside() {
        let out = tempfile::tempdir().unwrap();
        let folder = CampaignFolder::create(out.path(), &begun(&[]), "", &crate::probe::facts(), 0).unwrap();
        let attempt = folder.begin_attempt("0000-a", 0).unwrap();
        fs::write(attempt.join("steps.txt"), "precious").unwrap();
        folder.begin_attempt("0000-a", 0).unwrap();
        assert_eq!(fs::read_to_string(out.path().join("a-19700101-000000/runs/0000-a.broken1/steps.txt")).unwrap(), "precious");
        assert!(folder.attempt("0000-a", 1).ends_with("0000-a-attempt2"));
    }
}
