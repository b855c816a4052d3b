//! Files and folders as data entities (RO-Crate 1.1, section 3).

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::described::{described, format};

/// A file, by its path below the root.
pub(super) fn part(path: &str, length: u64) -> Value {
    let name = Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned());
    json!({
        "@id": identifier(path),
        "@type": "File",
        "name": name,
        "description": described(path),
        "encodingFormat": format(path),
        "contentSize": length.to_string(),
    })
}

/// A folder, by its path below the root, without a slash at the end.
pub(super) fn folder(path: &str, parts: &[Value]) -> Value {
    json!({
        "@id": identifier(&format!("{path}/")),
        "@type": "Dataset",
        "name": path,
        "description": described(&format!("{path}/")),
        "hasPart": parts,
    })
}

/// A path as a relative reference: all but unreserved signs and slashes as per cent (RFC 3986, sections 2.1 and 2.3).
pub(super) fn identifier(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // writing to a String cannot fail
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Seconds since 1970 as ISO 8601 has them, UTC.
pub(super) fn moment(seconds: u64) -> String {
    let time = chrono::DateTime::from_timestamp(i64::try_from(seconds).unwrap_or(i64::MAX), 0).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
