//! The packets of all runs that count as one Parquet file: the columns of `packets.parquet`, and before them the run, whether it is of
//! the floor, and a column for each swept key.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use tailbed_format::summary::{CampaignSummary, RunKind, RunSummary};

use super::{counting, packets_of};
use crate::failure::Failure;
use crate::results::packets::{self, COLUMNS};

/// Writes them, run by run: no more than a batch is in memory. How many packets and runs there are.
pub(super) fn write(summary: &CampaignSummary, folder: &Path, out: &Path) -> Result<String, Failure> {
    let mut keys: Vec<String> = Vec::new();
    for parameter in counting(summary).flat_map(|run| &run.parameters) {
        if !keys.contains(&parameter.key) {
            keys.push(parameter.key.clone());
        }
    }
    let runs: Vec<&RunSummary> = counting(summary).collect();
    if runs.is_empty() {
        return Err(Failure::File(format!("error: no run in {} counts: there are no packets to export", folder.display())));
    }
    let partial = out.with_extension("partial");
    let what = || format!("cannot write {}", out.display());
    let mut writer: Option<ArrowWriter<File>> = None;
    let mut packets = 0;
    for run in &runs {
        let path = packets_of(folder, run)?;
        for batch in packets::batches(&path)? {
            let batch = batch.with_context(|| format!("cannot read {}", path.display()))?;
            let batch = labelled(&batch, run, &keys)?;
            let into = if let Some(writer) = &mut writer {
                writer
            } else {
                let file = File::create(&partial).with_context(what)?;
                let properties = packets::properties(packets::GROUP)?;
                writer.insert(ArrowWriter::try_new(file, batch.schema(), Some(properties)).with_context(what)?)
            };
            into.write(&batch).with_context(what)?;
            packets += batch.num_rows();
        }
    }
    let writer = writer.with_context(|| format!("the runs in {} hold no packet", folder.display()))?;
    writer.close().with_context(what)?;
    std::fs::rename(&partial, out).with_context(what)?;
    Ok(format!("{packets} packets of {} runs", runs.len()))
}

/// A batch of packets with the columns that say which run they are of.
fn labelled(batch: &RecordBatch, run: &RunSummary, keys: &[String]) -> anyhow::Result<RecordBatch> {
    let rows = batch.num_rows();
    let kind = if run.kind == RunKind::Floor { "floor" } else { "measurement" };
    let swept = keys.iter().map(|key| {
        let value = run.parameters.iter().find(|parameter| parameter.key == *key).map(|parameter| parameter.value.as_str());
        // a key may be called like a column
        let taken = COLUMNS.iter().any(|column| column.name == key) || matches!(key.as_str(), "run" | "kind");
        (if taken { format!("swept.{key}") } else { key.clone() }, value)
    });
    let labels = [("run".to_owned(), Some(run.run.as_str())), ("kind".to_owned(), Some(kind))].into_iter().chain(swept);
    let (mut fields, mut columns): (Vec<Arc<Field>>, Vec<ArrayRef>) = labels
        .map(|(name, value)| -> (Arc<Field>, ArrayRef) {
            (Arc::new(Field::new(name, DataType::Utf8, true)), Arc::new(StringArray::from(vec![value; rows])))
        })
        .unzip();
    for column in COLUMNS {
        let Some((at, field)) = batch.schema_ref().column_with_name(column.name) else {
            bail!(
                "the packets of {} have no column {}: they were written by an older tailbed; export the run's own file",
                run.run,
                column.name
            )
        };
        fields.push(Arc::new(field.clone()));
        columns.push(batch.column(at).clone());
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}
