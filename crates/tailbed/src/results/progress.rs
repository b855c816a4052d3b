//! How far a campaign is, on disk: written by the campaign, read by whoever watches it.
//!
//! The file is locked (flock(2)) before it has its name, and the lock is held until the next one has taken its place. So whoever finds a file
//! without a lock knows that its writer is gone, and asking never stands in the writer's way.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tailbed_format::progress::{Attempt, CampaignProgress, Ended, RunProgress, Said, Stage, Topic};
use tailbed_format::results;
use tailbed_plan::plan::{Plan, Run};

use super::begun::kind_of;

/// How far the campaign is that this process carries out.
pub(crate) struct ProgressFile {
    path: PathBuf,
    now: CampaignProgress,
    /// Held open for its lock.
    held: Option<File>,
    /// When the first attempt at the run under way began.
    run_began: Option<(usize, Instant)>,
}

impl ProgressFile {
    /// Of a campaign of which no run has begun; nothing is written yet.
    pub(crate) fn new(plan: &Plan, folder: &Path) -> Self {
        let began = now();
        let note = |text: &String| Said { at: began, topic: Topic::Note, run: None, text: text.clone() };
        let now = CampaignProgress {
            version: CampaignProgress::VERSION,
            name: plan.name.clone(),
            question: plan.question.clone(),
            kind: kind_of(plan),
            cells: plan.cells.clone(),
            runs: plan.runs.iter().map(planned).collect(),
            said: plan.notes.iter().map(note).collect(),
            began,
            stage: Stage::Beginning,
            locked: false,
        };
        Self { path: folder.join(results::PROGRESS), now, held: None, run_began: None }
    }

    /// An attempt at a run begins.
    pub(crate) fn begin(&mut self, run: usize, attempt: u32) {
        let began = now();
        if self.run_began.is_none_or(|(other, _)| other != run) {
            self.run_began = Some((run, Instant::now()));
        }
        self.now.stage = Stage::Building(Attempt { run, attempt, began, since: began });
    }

    /// Its traffic is about to begin; whether that is news.
    pub(crate) fn measure(&mut self) -> bool {
        let Stage::Building(attempt) = self.now.stage else { return false };
        self.now.stage = Stage::Measuring(Attempt { since: now(), ..attempt });
        true
    }

    /// Its traffic is over.
    pub(crate) fn take_back(&mut self) {
        if let Some(attempt) = self.now.stage.attempt() {
            self.now.stage = Stage::TakingBack(Attempt { since: now(), ..attempt });
        }
    }

    /// A run has ended, in its last attempt's folder.
    pub(crate) fn end(&mut self, run: usize, folder: &str, counts: bool, line: &str) {
        let took = self.run_began.filter(|(begun, _)| *begun == run).map(|(_, began)| began.elapsed());
        let took = took.map(|took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        if let Some(run) = self.now.runs.get_mut(run) {
            run.ended = Some(Ended { counts, took });
        }
        self.say(Topic::Run, Some(folder), line);
    }

    /// Something is said, of a run where its folder is given.
    pub(crate) fn say(&mut self, topic: Topic, run: Option<&str>, text: &str) {
        self.now.said.push(Said { at: now(), topic, run: run.map(str::to_owned), text: text.to_owned() });
    }

    /// All runs have ended.
    pub(crate) fn report(&mut self) {
        self.now.stage = Stage::Reporting { since: now() };
    }

    /// The campaign is over; with what it said where that is not how it should end.
    pub(crate) fn over(&mut self, stopped: Option<(bool, String)>) {
        let at = now();
        self.now.stage = match stopped {
            None => Stage::Finished { at },
            Some((interrupted, reason)) => Stage::Stopped { at, interrupted, reason },
        };
    }

    /// Writes how far it is. The file appears whole, in place of the one before.
    pub(crate) fn write(&mut self) -> anyhow::Result<()> {
        let what = || format!("cannot write {}", self.path.display());
        let partial = self.path.with_extension("partial");
        let mut file = File::create(&partial).with_context(what)?;
        self.now.locked = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        let mut text = serde_json::to_vec(&self.now)?;
        text.push(b'\n');
        file.write_all(&text).and_then(|()| fs::rename(&partial, &self.path)).with_context(what)?;
        self.held = Some(file);
        Ok(())
    }
}

fn planned(run: &Run) -> RunProgress {
    RunProgress {
        name: run.name.clone(),
        cell: run.cell,
        repeat: run.repeat,
        expected: run.expected,
        housekeeping: run.cores.housekeeping.clone(),
        ended: None,
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Whether the process that wrote how far a campaign is still lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// It holds the file.
    Lives,
    /// Nobody holds the file.
    Gone,
    /// The file system has no locks.
    Unknown,
}

/// What stood in a folder at a moment.
pub(crate) struct Reading {
    /// How far the campaign was.
    pub(crate) progress: CampaignProgress,
    /// Whether its process lived.
    pub(crate) writer: Writer,
    /// Which file it was: every one is a new one.
    identity: Identity,
}

/// Device, inode, and when it was written, ns of its second.
type Identity = (u64, u64, i64);

/// How far the campaign in a folder is, and whether its process lives; `None` where no campaign has said so. What was read `before` is not
/// read again while it stands.
pub(crate) fn read(folder: &Path, before: Option<Reading>) -> anyhow::Result<Option<Reading>> {
    let mut before = before;
    let path = folder.join(results::PROGRESS);
    let cannot = || format!("cannot read {}", path.display());
    loop {
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.with_context(cannot)?,
        };
        let identity = file.metadata().map(identify).with_context(cannot)?;
        let progress = if let Some(same) = before.take().filter(|before| before.identity == identity) {
            same.progress
        } else {
            let mut text = Vec::new();
            file.read_to_end(&mut text).with_context(cannot)?;
            serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?
        };
        let writer = match progress.locked.then(|| flock(&file, FlockOperation::NonBlockingLockShared)) {
            Some(Err(Errno::WOULDBLOCK)) => Writer::Lives,
            Some(Ok(())) => Writer::Gone,
            None | Some(Err(_)) => Writer::Unknown,
        };
        // where nobody holds it its writer is gone, or has just put another in its place, which is to be read then
        let replaced = || fs::metadata(&path).is_ok_and(|there| identify(there) != identity);
        if writer != Writer::Gone || !replaced() {
            return Ok(Some(Reading { progress, writer, identity }));
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "mapped over results")]
fn identify(metadata: fs::Metadata) -> Identity {
    (metadata.dev(), metadata.ino(), metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let text =
            "name = \"a\"\nrepeats = 2\n[nodes.dut.simulated]\nbase = \"10us\"\n[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n";
        let source = tailbed_plan::Source { name: "a.toml", text: text.as_bytes() };
        let facts = crate::probe::facts();
        tailbed_plan::plan(&source, &tailbed_plan::Overrides::default(), &facts, "0123abcd").unwrap()
    }

    fn stage(folder: &Path) -> (Stage, Writer) {
        let reading = read(folder, None).unwrap().unwrap();
        (reading.progress.stage, reading.writer)
    }

    #[test]
    fn a_writer_that_lives_is_told_from_one_that_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path(), None).unwrap().is_none());
        let mut file = ProgressFile::new(&plan(), folder.path());
        file.write().unwrap();
        assert_eq!(stage(folder.path()), (Stage::Beginning, Writer::Lives));
        file.begin(0, 0);
        file.write().unwrap();
        let (begun, writer) = stage(folder.path());
        assert!(matches!(begun, Stage::Building(Attempt { run: 0, attempt: 0, .. })) && writer == Writer::Lives, "{begun:?}");
        let before = read(folder.path(), None).unwrap();
        drop(file);
        assert_eq!(stage(folder.path()), (begun.clone(), Writer::Gone));
        let again = read(folder.path(), before).unwrap().unwrap();
        assert_eq!((again.progress.stage, again.writer), (begun, Writer::Gone), "what was read before is judged anew");
    }

    #[test]
    fn what_was_said_is_kept_with_the_run_it_is_about() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = ProgressFile::new(&plan(), folder.path());
        file.begin(0, 0);
        assert!(file.measure() && !file.measure(), "the traffic begins once");
        file.take_back();
        file.end(0, "0000-floor-r1", true, "0000-floor-r1: done");
        file.write().unwrap();
        let Reading { progress, .. } = read(folder.path(), None).unwrap().unwrap();
        let ended = progress.runs[0].ended.unwrap();
        assert!(ended.counts && ended.took.is_some() && progress.runs[1].ended.is_none());
        let last = progress.said.last().unwrap();
        assert_eq!(
            (last.topic, last.run.as_deref(), last.text.as_str()),
            (Topic::Run, Some("0000-floor-r1"), "0000-floor-r1: done")
        );
    }

    #[test]
    fn a_file_that_is_cut_short_is_damaged_and_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(results::PROGRESS), "{\"version\":1,").unwrap();
        let error = format!("{:#}", read(folder.path(), None).err().unwrap());
        assert!(error.contains("progress.json is damaged"), "{error}");
    }
}
