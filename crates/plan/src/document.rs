//! The experiment as given: the file with the command line's values in it, and what varies.

use tailbed_format::summary::Parameter;
use toml::Spanned;

use crate::experiment::Experiment;
use crate::random;
use crate::sweep::{self, Axis};
use crate::text::error::{Fault, PlanError};
use crate::text::key::KeyPath;
use crate::text::tree::{self, Table};
use crate::text::{Overrides, Source, Texts};

/// The tree without `[sweep]`, and the dimensions of the sweep.
#[derive(Debug)]
pub(crate) struct Document<'i> {
    texts: &'i Texts,
    root: Spanned<Table<'i>>,
    axes: Vec<Axis<'i>>,
    /// What the command line took out of the sweep.
    pub(crate) notes: Vec<String>,
}

/// One combination of swept values: the experiment it makes, and the tree that tells where each value stands.
#[derive(Debug)]
pub(crate) struct Combination<'i> {
    pub(crate) experiment: Experiment,
    pub(crate) tree: Table<'i>,
    pub(crate) parameters: Vec<Parameter>,
    /// The folder of the experiment file.
    pub(crate) folder: &'i str,
    /// Texts of profiles' files by their paths.
    pub(crate) profiles: &'i [(String, String)],
}

/// What an experiment sets for all of its runs: the file with the command line's values in it, without what is swept there.
///
/// # Errors
/// As of planning, when the file is no TOML or an override is wrong. What a key means is not looked at.
pub fn settings(source: &Source<'_>, overrides: &Overrides) -> Result<toml::Table, PlanError> {
    let (texts, valid) = Texts::new(source, overrides);
    let read = || -> Result<toml::Table, Fault> {
        valid?;
        tree::read(Document::read(&texts)?.root, &texts)
    };
    read().map_err(|fault| fault.report(&texts))
}

impl<'i> Document<'i> {
    /// Takes in the file and the overrides.
    pub(crate) fn read(texts: &'i Texts) -> Result<Self, Fault> {
        let mut root = tree::parse(texts.file())?;
        let mut axes = root.get_mut().remove("sweep").map_or(Ok(Vec::new()), sweep::from_file)?;
        sweep::check(&axes, texts)?;
        let mut notes = Vec::new();
        let mut set: Vec<KeyPath> = Vec::new();
        for given in texts.set() {
            let (path, value, start) = sweep::assignment(&given, "--set traffic.rate=50kpps")?;
            if path.names().next() == Some("sweep") {
                return Err(Fault::file("the sweep cannot be set")
                    .at(path.span, "not with --set")
                    .help("use --sweep traffic.rate=10kpps,50kpps"));
            }
            if sweep::pin(&mut axes, &path, texts) {
                notes.push(format!("`{path}` is {value} as set on the command line; the file's sweep of it is left out"));
            }
            tree::set(root.get_mut(), &path, tree::parse_value(value, start))?;
            set.push(path);
        }
        for given in texts.sweep() {
            let added = sweep::from_option(&given)?;
            for path in &added.keys {
                if let Some(other) = set.iter().find(|other| other.overlaps(path)) {
                    return Err(Fault::file(format!("`{path}` is both set and swept"))
                        .at(path.span.clone(), "swept here")
                        .beside(other.span.clone(), "set here")
                        .help("leave one of the two options out"));
                }
                sweep::pin(&mut axes, path, texts);
            }
            axes.push(added);
        }
        sweep::check(&axes, texts)?;
        Ok(Self { texts, root, axes, notes })
    }

    /// How many combinations of swept values there are.
    pub(crate) fn combinations(&self) -> u128 {
        sweep::combinations(&self.axes)
    }

    /// The combination of a number below [`Self::combinations`].
    pub(crate) fn combination(&self, number: usize) -> Result<Combination<'i>, Fault> {
        let mut root = self.root.clone();
        let rows = sweep::rows_of(&self.axes, number);
        let mut parameters = sweep::apply(&self.axes, &rows, root.get_mut(), self.texts)?;
        let drawn = random::expand(root.get_mut(), self.texts)?;
        // what does not vary need not be said
        let varies = parameters.iter().any(|parameter| parameter.key.starts_with("topology."));
        parameters.extend(drawn.filter(|_| varies));
        let experiment = tree::read(root.clone(), self.texts)?;
        Ok(Combination {
            experiment,
            tree: root.into_inner(),
            parameters,
            folder: self.texts.folder(),
            profiles: self.texts.profiles(),
        })
    }

    /// What does not vary.
    pub(crate) fn root(&self) -> &Table<'i> {
        self.root.get_ref()
    }

    /// The dimensions, each with how many values it has.
    pub(crate) fn axes(&self) -> &[Axis<'i>] {
        &self.axes
    }
}
