//! Sweeps: which keys vary, over which values, and the combination of a given number.

use tailbed_format::summary::Parameter;
use toml::de::DeValue;

use crate::text::error::Fault;
use crate::text::key::KeyPath;
use crate::text::tree::{self, Table, Value};
use crate::text::{Override, Texts};

/// Keys that hold for the campaign as a whole.
const FIXED: [&str; 7] = ["name", "question", "repeats", "order", "seed", "attempts", "slo"];

/// One dimension of the sweep: one key, or several that vary together.
#[derive(Debug, Clone)]
pub(crate) struct Axis<'i> {
    /// At least one.
    pub(crate) keys: Vec<KeyPath>,
    /// At least one; each has one value per key.
    pub(crate) rows: Vec<Vec<Value<'i>>>,
}

/// The dimensions `[sweep]` declares, in the order of the file.
pub(crate) fn from_file(sweep: Value<'_>) -> Result<Vec<Axis<'_>>, Fault> {
    let span = sweep.span();
    let DeValue::Table(table) = sweep.into_inner() else {
        return Err(Fault::file("`sweep` holds no keys").at(span, "a table is wanted").help(EXAMPLE));
    };
    let mut axes = Vec::new();
    for (key, values) in table {
        if key.get_ref() == "together" {
            axes.extend(together(values)?);
        } else {
            let path = KeyPath::parse_key(key.get_ref(), &key.span())?;
            let rows = list(&path, values)?.into_iter().map(|value| vec![value]).collect();
            axes.push(Axis { keys: vec![path], rows });
        }
    }
    axes.sort_by_key(|axis| axis.keys.first().map(|key| key.span.start));
    Ok(axes)
}

const EXAMPLE: &str = "write it like\n[sweep]\n\"traffic.rate\" = [\"10kpps\", \"100kpps\"]";

fn together(tables: Value<'_>) -> Result<Vec<Axis<'_>>, Fault> {
    let wrong = |span| {
        Fault::file("keys that vary together stand in tables of their own")
            .at(span, "no such table")
            .help("write it like\n[[sweep.together]]\n\"traffic.rate\" = [\"10kpps\", \"100kpps\"]\n\"traffic.duration\" = [\"50s\", \"5s\"]")
    };
    let span = tables.span();
    let DeValue::Array(tables) = tables.into_inner() else { return Err(wrong(span)) };
    let mut axes = Vec::new();
    for table in tables {
        let span = table.span();
        let DeValue::Table(columns) = table.into_inner() else { return Err(wrong(span)) };
        axes.extend(columns_of_an_axis(columns)?);
    }
    Ok(axes)
}

/// `None` for an empty table.
fn columns_of_an_axis(columns: Table<'_>) -> Result<Option<Axis<'_>>, Fault> {
    let mut columns: Vec<_> = columns.into_iter().collect();
    columns.sort_by_key(|(key, _)| key.span().start);
    let mut axis: Option<Axis<'_>> = None;
    for (key, values) in columns {
        let path = KeyPath::parse_key(key.get_ref(), &key.span())?;
        let span = values.span();
        let values = list(&path, values)?;
        let Some(axis) = &mut axis else {
            axis = Some(Axis { keys: vec![path], rows: values.into_iter().map(|value| vec![value]).collect() });
            continue;
        };
        if values.len() != axis.rows.len() {
            return Err(Fault::file("keys that vary together need lists of the same length")
                .at(span, format!("{} values", values.len()))
                .beside(axis.keys[0].span.clone(), format!("{} values", axis.rows.len()))
                .help("give each key as many values as the others, or sweep them independently in [sweep]"));
        }
        axis.keys.push(path);
        for (row, value) in axis.rows.iter_mut().zip(values) {
            row.push(value);
        }
    }
    Ok(axis)
}

/// The values of one key, at least one.
fn list<'i>(path: &KeyPath, values: Value<'i>) -> Result<Vec<Value<'i>>, Fault> {
    let span = values.span();
    match values.into_inner() {
        DeValue::Array(values) if values.is_empty() => Err(Fault::file(format!("the sweep of `{path}` has no values"))
            .at(span, "empty")
            .help("give at least one value, or remove the key")),
        DeValue::Array(values) => Ok(values.into_iter().collect()),
        DeValue::Table(_) => Err(Fault::file(format!("`{path}` in a sweep needs quotes around the whole path"))
            .at(path.span.clone(), "a path without quotes makes tables")
            .help("write it like \"traffic.rate\" = [\"10kpps\", \"100kpps\"]")),
        other => Err(Fault::file(format!("the sweep of `{path}` is not a list"))
            .at(span, format!("a single {}", other.type_str()))
            .help(format!("put the values in brackets: \"{path}\" = [first, second]"))),
    }
}

/// The dimension an option `--sweep key=a,b` declares.
pub(crate) fn from_option<'i>(given: &Override<'i>) -> Result<Axis<'i>, Fault> {
    let (path, values, start) = assignment(given, "traffic.rate=10kpps,100kpps")?;
    let rows = if values.trim_start().starts_with('[') {
        list(&path, tree::parse_value(values, start))?
    } else {
        let mut at = start;
        let mut rows = Vec::new();
        for value in values.split(',') {
            if value.trim().is_empty() {
                return Err(Fault::file(format!("a value of `{path}` is empty"))
                    .at(at..at + value.len(), "nothing stands here")
                    .help(format!("write it like --sweep {path}=first,second")));
            }
            rows.push(tree::parse_value(value, at));
            at += value.len() + 1;
        }
        rows
    };
    Ok(Axis { keys: vec![path], rows: rows.into_iter().map(|value| vec![value]).collect() })
}

/// Splits `key=value`: the key, the value, and where the value begins.
pub(crate) fn assignment<'i>(given: &Override<'i>, example: &str) -> Result<(KeyPath, &'i str, usize), Fault> {
    let Some((key, value)) = given.text.split_once('=') else {
        let span = given.start..given.start + given.text.len();
        return Err(Fault::file("there is no `=` between key and value")
            .at(span, "a key alone")
            .help(format!("write it like {example}")));
    };
    Ok((KeyPath::parse(key, given.start)?, value, given.start + key.len() + 1))
}

/// Takes a key out of the sweep because it has been given one value; tells whether it was swept.
pub(crate) fn pin(axes: &mut Vec<Axis<'_>>, path: &KeyPath, texts: &Texts) -> bool {
    let mut found = false;
    for axis in axes.iter_mut() {
        let Some(column) = axis.keys.iter().position(|key| key.is(path)) else { continue };
        found = true;
        axis.keys.remove(column);
        for row in &mut axis.rows {
            row.remove(column);
        }
        let mut seen = Vec::new();
        axis.rows.retain(|row| first_time(&mut seen, row, texts));
    }
    axes.retain(|axis| !axis.keys.is_empty());
    found
}

fn first_time(seen: &mut Vec<Vec<String>>, row: &[Value<'_>], texts: &Texts) -> bool {
    let row: Vec<_> = row.iter().map(|value| tree::show(value, texts)).collect();
    let new = !seen.contains(&row);
    if new {
        seen.push(row);
    }
    new
}

/// Refuses keys that cannot vary, keys named twice, and values given twice.
pub(crate) fn check(axes: &[Axis<'_>], texts: &Texts) -> Result<(), Fault> {
    let mut keys: Vec<&KeyPath> = Vec::new();
    for axis in axes {
        for key in &axis.keys {
            if let Some(fixed) = FIXED.iter().find(|fixed| key.names().next() == Some(fixed)) {
                return Err(Fault::file(format!("`{fixed}` cannot be swept: it holds for the campaign as a whole"))
                    .at(key.span.clone(), "not a key that varies")
                    .help("set it once at the top of the file"));
            }
            if let Some(other) = keys.iter().find(|other| other.overlaps(key)) {
                let title =
                    if other.is(key) { format!("`{key}` is swept twice") } else { format!("`{other}` and `{key}` overlap") };
                return Err(Fault::file(title)
                    .at(key.span.clone(), "here again")
                    .beside(other.span.clone(), "first here")
                    .help("sweep each key in one place"));
            }
            keys.push(key);
        }
        let mut seen = Vec::new();
        for row in &axis.rows {
            if !first_time(&mut seen, row, texts) {
                let span = row.first().map(Value::span).unwrap_or_default();
                return Err(Fault::file("a value is swept twice")
                    .at(span, "the same as before")
                    .help("remove it; `repeats` says how often each value is measured"));
            }
        }
    }
    Ok(())
}

/// How many combinations there are. Counted, never listed: a sweep may hold billions by mistake.
pub(crate) fn combinations(axes: &[Axis<'_>]) -> u128 {
    axes.iter().fold(1, |product: u128, axis| product.saturating_mul(axis.rows.len() as u128))
}

/// Which row of each dimension the combination of a number has; the last dimension varies fastest.
pub(crate) fn rows_of(axes: &[Axis<'_>], mut combination: usize) -> Vec<usize> {
    let mut rows: Vec<_> = axes
        .iter()
        .rev()
        .map(|axis| {
            let row = combination % axis.rows.len();
            combination /= axis.rows.len();
            row
        })
        .collect();
    rows.reverse();
    rows
}

/// Puts the values of a combination into the tree, and lists them.
pub(crate) fn apply<'i>(
    axes: &[Axis<'i>],
    rows: &[usize],
    table: &mut Table<'i>,
    texts: &Texts,
) -> Result<Vec<Parameter>, Fault> {
    let mut parameters = Vec::new();
    for (axis, row) in axes.iter().zip(rows) {
        for (key, value) in axis.keys.iter().zip(&axis.rows[*row]) {
            tree::set(table, key, value.clone())?;
            parameters.push(Parameter { key: key.to_string(), value: tree::show(value, texts) });
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Overrides, Source};

    fn axes(text: &str) -> Result<Vec<Axis<'_>>, Fault> {
        let mut root = tree::parse(text)?;
        from_file(root.get_mut().remove("sweep").unwrap())
    }

    #[test]
    fn the_last_dimension_varies_fastest() {
        let axes = axes("[sweep]\n\"b.x\" = [1, 2]\n\"a.y\" = [1, 2, 3]\n").unwrap();
        assert_eq!(axes.iter().map(|axis| axis.keys[0].to_string()).collect::<Vec<_>>(), ["b.x", "a.y"]);
        assert_eq!(combinations(&axes), 6);
        let all: Vec<_> = (0..6).map(|number| rows_of(&axes, number)).collect();
        assert_eq!(all, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
    }

    #[test]
    fn keys_together_are_one_dimension() {
        let axes = axes("[[sweep.together]]\n\"b.x\" = [1, 2]\n\"a.y\" = [3, 4]\n").unwrap();
        assert_eq!(combinations(&axes), 2);
        let (texts, _) = Texts::new(&Source { name: "", text: b"" }, &Overrides::default());
        let mut table = Table::new();
        apply(&axes, &[1], &mut table, &texts).unwrap();
        assert_eq!(tree::get(&table, &["a", "y"]).unwrap().get_ref().as_integer().unwrap().as_str(), "4");
    }

    #[test]
    fn a_pinned_key_leaves_the_others_of_its_table_without_repeating_them() {
        let text = "[[sweep.together]]\n\"b.x\" = [1, 2]\n\"a.y\" = [3, 3]\n";
        let (texts, _) = Texts::new(&Source { name: "", text: text.as_bytes() }, &Overrides::default());
        let mut axes = axes(text).unwrap();
        assert!(pin(&mut axes, &KeyPath::parse("b.x", 0).unwrap(), &texts));
        assert_eq!(combinations(&axes), 1);
        assert!(pin(&mut axes, &KeyPath::parse("a.y", 0).unwrap(), &texts));
        assert!(axes.is_empty());
    }
}
