//! What is to be executed: which file, with which arguments and variables.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tailbed_format::program::Program;

use super::memory_file;

/// Where programs are looked for by default, as login(1) has it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What execve(2) is given.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) file: CString,
    pub(super) arguments: Vec<CString>,
    pub(super) environment: Vec<CString>,
}

/// Finds the program; `added` are further variables. A refusal is a sentence for the user.
pub(super) fn find(program: &Program, added: &[(String, String)]) -> Result<Image, String> {
    let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    for (name, value) in added.iter().chain(&program.environment) {
        variables.insert(name.into(), value.into());
    }
    let path = variables.entry("PATH".into()).or_insert_with(|| PATH.into()).clone();
    let (file, arguments) = match &program.script {
        Some(text) => interpreter(text, &program.command)?,
        None => command(&program.command, &path)?,
    };
    let environment = variables.into_iter().map(|(name, value)| {
        let mut pair = name.into_vec();
        pair.push(b'=');
        pair.extend(value.into_vec());
        zero_ended(pair)
    });
    Ok(Image {
        file: zero_ended(file.into_os_string().into_vec())?,
        arguments: arguments.into_iter().map(|argument| zero_ended(argument.into_bytes())).collect::<Result<_, _>>()?,
        environment: environment.collect::<Result<_, _>>()?,
    })
}

fn zero_ended(bytes: Vec<u8>) -> Result<CString, String> {
    CString::new(bytes).map_err(|error| {
        let text = String::from_utf8_lossy(&error.clone().into_vec()).replace('\0', "\u{fffd}");
        format!("`{text}` holds a zero byte, which no program can be given")
    })
}

/// As execve(2) has it: the interpreter, then at most one argument of its own, then the script, then the arguments.
fn interpreter(text: &str, arguments: &[String]) -> Result<(PathBuf, Vec<String>), String> {
    let first = text.lines().next().unwrap_or_default();
    let named = first.strip_prefix("#!").map(str::trim).filter(|named| !named.is_empty());
    let named = named.ok_or("its first line does not name an interpreter; begin the script with a line like #!/bin/sh")?;
    let (name, own) = named.split_once([' ', '\t']).unwrap_or((named, ""));
    let file = PathBuf::from(name);
    if !file.exists() {
        return Err(format!("no interpreter {name} in this node{}", whose_image(Path::new("/"))));
    }
    if !Path::new("/proc/self/fd").exists() {
        return Err("scripts are read from /proc/self/fd, and no /proc is mounted in this node".to_owned());
    }
    let own = Some(own.trim().to_owned()).filter(|own| !own.is_empty());
    let all = [name.to_owned()].into_iter().chain(own).chain([memory_file::PATH.to_owned()]).chain(arguments.iter().cloned());
    Ok((file, all.collect()))
}

/// What to do about a program that a node does not have.
fn whose_image(root: &Path) -> &'static str {
    let empty = ["bin", "usr", "sbin"].iter().all(|folder| !root.join(folder).exists());
    if empty { ": its image holds only tailbed; use an image that has it" } else { "; use an image that has it" }
}

/// As execvp(3) has it.
fn command(command: &[String], path: &std::ffi::OsStr) -> Result<(PathBuf, Vec<String>), String> {
    let name = command.first().filter(|name| !name.is_empty()).ok_or("no program is named")?;
    let found = if name.contains('/') {
        let file = PathBuf::from(name);
        if !file.exists() {
            return Err(format!("no program {name} in this node{}", whose_image(Path::new("/"))));
        }
        file
    } else {
        let candidates = path.as_bytes().split(|&byte| byte == b':');
        let candidates = candidates.map(|folder| Path::new(std::ffi::OsStr::from_bytes(folder)).join(name));
        let executable = |file: &PathBuf| {
            std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
        };
        candidates.into_iter().find(executable).ok_or_else(|| {
            format!("no program {name} in {} of this node{}", path.to_string_lossy(), whose_image(Path::new("/")))
        })?
    };
    Ok((found, command.to_vec()))
}

/// Why the kernel would not execute a file that is there (execve(2)).
pub(super) fn refusal(image: &Image, error: &std::io::Error) -> String {
    let file = image.file.to_string_lossy();
    match error.raw_os_error() {
        Some(libc::ENOENT) => format!("{file} names a loader or interpreter that is not in this node"),
        Some(libc::ENOEXEC) => {
            format!("{file} is not a program this machine can execute; a script begins with a line like #!/bin/sh")
        }
        Some(libc::EACCES) => format!("{file} may not be executed: {error}"),
        _ => format!("{file}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Program {
        Program {
            command: vec!["one".to_owned()],
            script: Some(text.to_owned()),
            environment: Vec::new(),
            timeout: None,
            terminal: None,
            cpus: Vec::new(),
        }
    }

    #[test]
    fn an_interpreter_gets_at_most_one_argument_of_its_own() {
        let image = find(&script("#! /bin/sh -e -u \necho"), &[("A".to_owned(), "1".to_owned())]).unwrap();
        let arguments: Vec<_> = image.arguments.iter().map(|argument| argument.to_str().unwrap()).collect();
        assert_eq!(arguments, ["/bin/sh", "-e -u", "/proc/self/fd/9", "one"]);
        assert!(image.environment.iter().any(|variable| variable.to_bytes() == b"A=1"));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(
            find(&script("#!/no/such"), &[]).unwrap_err(),
            "no interpreter /no/such in this node; use an image that has it"
        );
        assert!(find(&script("echo"), &[]).unwrap_err().contains("#!/bin/sh"));
        let named = |name: &str| Program { command: vec![name.to_owned()], script: None, ..script("") };
        assert!(find(&named("no-such-program"), &[]).unwrap_err().starts_with("no program no-such-program in "));
        assert_eq!(find(&named("/no/such"), &[]).unwrap_err(), "no program /no/such in this node; use an image that has it");
        let empty = tempfile_free();
        assert_eq!(whose_image(&empty), ": its image holds only tailbed; use an image that has it");
        assert!(find(&named("tr\0ue"), &[]).is_err());
    }

    /// A folder that does not exist has neither bin nor usr.
    fn tempfile_free() -> PathBuf {
        PathBuf::from("/proc/self/no-such")
    }
}
