//! Recipes: what an image is made of. Read as strictly as experiments; nothing is made here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::text::advice::{self, Wording};
use crate::text::error::{Fault, PlanError};
use crate::text::{Overrides, Source, Span, Texts, tree};

/// What is said of recipes only.
const WORDING: Wording =
    Wording { required: &[("name", "name = \"small\""), ("base", "base = \"debian:bookworm\"")], list: None };

/// What an image is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipe {
    /// What it is called.
    pub name: String,
    /// What it begins with.
    pub base: Base,
    /// Debian packages added.
    pub packages: Vec<String>,
    /// Shell text run inside, after packages and files are there.
    pub script: Option<String>,
    /// Files added: where they lie inside, absolute, and where they come from, beside the recipe unless absolute.
    pub files: BTreeMap<String, String>,
    /// The program that a container of the image runs.
    pub command: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
}

/// What an image begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// Nothing but this program, at /tailbed.
    Scratch,
    /// The smallest Debian of a suite.
    Debian {
        /// `bookworm`.
        suite: String,
    },
    /// Another image, beside the recipe unless absolute.
    Image {
        /// Its path.
        path: String,
    },
}

/// As it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Spanned<String>,
    base: Spanned<String>,
    #[serde(default)]
    packages: Vec<Spanned<String>>,
    script: Option<String>,
    #[serde(default)]
    files: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// Reads a recipe.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read(source: &Source<'_>) -> Result<Recipe, PlanError> {
    let (texts, valid) = Texts::new(source, &Overrides::default());
    let read = valid
        .map_err(|fault| fault.only_help("a recipe is a TOML file; give the path of one, or save it as UTF-8"))
        .and_then(|()| parse(&texts));
    read.map_err(|fault| fault.report(&texts))
}

fn parse(texts: &Texts) -> Result<Recipe, Fault> {
    let root = tree::parse(texts.file()).map_err(|fault| {
        fault.only_help("write base = \"debian:bookworm\", texts in quotes, one key a line; or [files] before the names of files")
    })?;
    let written =
        Written::deserialize(toml::de::Deserializer::from(root)).map_err(|error| advice::fault_in(&error, texts, &WORDING))?;
    let base = base(&written.base)?;
    name(&written.name)?;
    for package in &written.packages {
        self::package(package, &base, written.base.span())?;
    }
    for (inside, source) in &written.files {
        file(inside, source)?;
    }
    for (variable, value) in &written.environment {
        self::variable(variable, value)?;
    }
    let plain = |map: BTreeMap<Spanned<String>, Spanned<String>>| {
        map.into_iter().map(|(key, value)| (key.into_inner(), value.into_inner())).collect()
    };
    Ok(Recipe {
        name: written.name.into_inner(),
        base,
        packages: written.packages.into_iter().map(Spanned::into_inner).collect(),
        script: written.script,
        files: plain(written.files),
        command: written.command,
        environment: plain(written.environment),
    })
}

/// The name becomes that of a folder and of an image.
fn name(name: &Spanned<String>) -> Result<(), Fault> {
    let text = name.get_ref();
    let right = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if text.chars().all(right) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= 64 {
        return Ok(());
    }
    Err(Fault::file(format!("`{text}` cannot be an image's name"))
        .at(name.span(), "not a name")
        .help("use at most 64 lower-case letters, digits, dots, dashes and underscores, a letter or digit first"))
}

fn base(base: &Spanned<String>) -> Result<Base, Fault> {
    let text = base.get_ref().as_str();
    if text == "scratch" {
        return Ok(Base::Scratch);
    }
    if let Some(suite) = text.strip_prefix("debian:") {
        if suite.chars().all(|c| c.is_ascii_lowercase() || c == '-') && suite.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Ok(Base::Debian { suite: suite.to_owned() });
        }
        return Err(Fault::file(format!("`{suite}` is no suite of Debian"))
            .at(base.span(), "not a suite")
            .help("write the suite's name in lower case, for example debian:bookworm"));
    }
    if text.contains('/') {
        return Ok(Base::Image { path: text.to_owned() });
    }
    let fault = Fault::file(format!("unknown base `{text}`")).at(base.span(), "not known here");
    let fault = if text == "debian" { fault.help("write the suite too, for example debian:bookworm") } else { fault };
    Err(fault.help("a base is `scratch`, `debian:` with a suite, or the path of an image, with a slash: ./other.image"))
}

/// Debian Policy Manual, 5.6.7: the names of packages.
fn package(package: &Spanned<String>, base: &Base, base_span: Span) -> Result<(), Fault> {
    let text = package.get_ref();
    if *base == Base::Scratch {
        return Err(Fault::file(format!("the package `{text}` cannot be installed: there is nothing that installs it"))
            .at(package.span(), "needs a Debian below it")
            .beside(base_span, "begins with nothing")
            .help("write base = \"debian:bookworm\", or bring what is needed in [files]"));
    }
    let right = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    if text.len() >= 2 && text.chars().all(right) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Fault::file(format!("`{text}` cannot be a Debian package's name"))
        .at(package.span(), "not a name")
        .help("write names as apt knows them, one a text: packages = [\"iproute2\", \"nginx-light\"]"))
}

fn file(inside: &Spanned<String>, source: &Spanned<String>) -> Result<(), Fault> {
    let text = inside.get_ref();
    let parts = || text.split('/').skip(1);
    if !text.starts_with('/') || parts().any(|part| part.is_empty() || part == "." || part == ".." || part.starts_with(".wh.")) {
        return Err(Fault::file(format!("`{text}` is no place for a file inside"))
            .at(inside.span(), "not a full path")
            .help("write its whole path inside, from the root, without `.` and `..`: \"/etc/motd\" = \"motd\""));
    }
    if source.get_ref().is_empty() {
        return Err(Fault::file(format!("it is not said where `{text}` comes from"))
            .at(source.span(), "empty")
            .help("name a file or folder beside the recipe"));
    }
    Ok(())
}

fn variable(variable: &Spanned<String>, value: &Spanned<String>) -> Result<(), Fault> {
    let text = variable.get_ref();
    let right = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !text.chars().all(right) || !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(Fault::file(format!("`{text}` cannot be a variable's name"))
            .at(variable.span(), "not a name")
            .help("use letters, digits and underscores, no digit first: LANG = \"C.UTF-8\""));
    }
    if value.get_ref().contains('\0') {
        return Err(Fault::file(format!("the value of `{text}` holds a zero byte"))
            .at(value.span(), "cannot be handed to a program")
            .help("leave the zero byte out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_be_said_is_read() {
        let text = br#"
            name = "web"
            base = "debian:bookworm"
            packages = ["nginx-light"]
            script = "true"
            command = ["/usr/sbin/nginx"]
            [files]
            "/etc/motd" = "motd"
            [environment]
            LANG = "C.UTF-8"
        "#;
        let recipe = read(&Source { name: "web.toml", text }).unwrap();
        assert_eq!(recipe.base, Base::Debian { suite: "bookworm".to_owned() });
        assert_eq!(recipe.files["/etc/motd"], "motd");
        assert_eq!(recipe.environment["LANG"], "C.UTF-8");
        let text = b"name = \"x\"\nbase = \"../web.image\"\n";
        let recipe = read(&Source { name: "x.toml", text }).unwrap();
        assert_eq!(recipe.base, Base::Image { path: "../web.image".to_owned() });
    }
}
