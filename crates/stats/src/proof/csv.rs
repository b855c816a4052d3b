//! What came when, as files of comma-separated values (RFC 4180).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use tailbed_format::proof::{ForeignTurn, InterruptPoint};

use crate::plot::csv_field;

/// One row per reading, core and source: how many since the reading before.
pub fn interrupts(points: &[InterruptPoint]) -> String {
    let mut csv = "from_ns,to_ns,cpu,kind,source,name,count\n".to_owned();
    for point in points {
        let kind = if point.soft { "soft" } else { "hard" };
        let (source, name) = (csv_field(&point.source), csv_field(&point.name));
        let _ = writeln!(csv, "{},{},{},{kind},{source},{name},{}", point.from, point.to, point.cpu, point.count);
    }
    csv
}

/// Reads what [`interrupts`] wrote; nothing where it is anything else.
pub fn read_interrupts(text: &str) -> Option<Vec<InterruptPoint>> {
    let mut known: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut shared = |text: String| {
        let text: Arc<str> = text.into();
        known.get(&text).cloned().unwrap_or_else(|| {
            known.insert(Arc::clone(&text));
            text
        })
    };
    let mut points = Vec::new();
    for line in text.lines().skip(1) {
        let mut fields = fields(line).into_iter();
        let (from, to) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let (cpu, kind) = (fields.next()?.parse().ok()?, fields.next()?);
        let soft = match kind.as_str() {
            "soft" => true,
            "hard" => false,
            _ => return None,
        };
        let (source, name) = (shared(fields.next()?), shared(fields.next()?));
        points.push(InterruptPoint { from, to, cpu, soft, source, name, count: fields.next()?.parse().ok()? });
    }
    Some(points)
}

/// The fields of a line; the kernel's names hold no line feeds.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

/// Reads what [`foreign_tasks`] wrote; nothing where it is anything else.
pub fn read_foreign_tasks(text: &str) -> Option<Vec<ForeignTurn>> {
    let turn = |line| {
        let mut fields = fields(line).into_iter();
        let (at, cpu) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let (tid, name) = (fields.next()?.parse().ok()?, fields.next()?);
        Some(ForeignTurn { at, cpu, tid, name, length: fields.next()?.parse().ok()? })
    };
    text.lines().skip(1).map(turn).collect()
}

/// One row per turn.
pub fn foreign_tasks(turns: &[ForeignTurn]) -> String {
    turns.iter().fold("at_ns,cpu,tid,name,length_ns\n".to_owned(), |mut csv, turn| {
        let _ = writeln!(csv, "{},{},{},{},{}", turn.at, turn.cpu, turn.tid, csv_field(&turn.name), turn.length);
        csv
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(at: i64, soft: bool, source: &str, name: &str) -> InterruptPoint {
        InterruptPoint { from: at, to: at.saturating_add(3), cpu: 1, soft, source: source.into(), name: name.into(), count: 7 }
    }

    #[test]
    fn a_row_is_a_reading_of_a_source_on_a_core() {
        let text = interrupts(&[point(-5, false, "36", "eth0, \"rx\""), point(9, true, "NET_RX", "")]);
        assert_eq!(
            text,
            "from_ns,to_ns,cpu,kind,source,name,count\n-5,-2,1,hard,36,\"eth0, \"\"rx\"\"\",7\n9,12,1,soft,NET_RX,,7\n"
        );
        let turn = ForeignTurn { at: 3, cpu: 1, tid: 41, name: "stress".to_owned(), length: 90 };
        let text = foreign_tasks(std::slice::from_ref(&turn));
        assert_eq!(text, "at_ns,cpu,tid,name,length_ns\n3,1,41,stress,90\n");
        assert_eq!(read_foreign_tasks(&text), Some(vec![turn]));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(names in prop::collection::vec(("[^\n\r]{0,20}", any::<i64>(), any::<bool>()), 0..20)) {
            let points: Vec<_> = names.iter().map(|(name, at, soft)| point(*at, *soft, name, name)).collect();
            prop_assert_eq!(read_interrupts(&interrupts(&points)), Some(points));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            read_interrupts(&text);
            read_foreign_tasks(&text);
        }
    }
}
