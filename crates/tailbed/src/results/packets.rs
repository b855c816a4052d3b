//! `packets.parquet`: one row per packet, integers packed by their differences, readable by any Parquet reader.
//!
//! The columns are [`COLUMNS`]; the file's own key-value metadata say the same: `tailbed.layout` ([`LAYOUT`]), `tailbed.version`,
//! `tailbed.clock`, and `tailbed.columns` as JSON. docs/results.md documents them, with queries.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Int64Array, PrimitiveArray, RecordBatch, UInt32Array, UInt64Array};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use tailbed_format::packet::{Departure, PacketRecord, Received};
use tailbed_format::stream::StreamFlows;
use tailbed_stats::tally::Tally;

/// Version of the layout: of the columns, their types, units and meanings. A column that is added does not change it, as readers find
/// columns by name; one that goes, or means something else, does.
pub(crate) const LAYOUT: u32 = 1;

/// Key of the layout's version in the file's metadata.
const LAYOUT_KEY: &str = "tailbed.layout";
/// Key of the version of tailbed that wrote the file.
const VERSION_KEY: &str = "tailbed.version";

/// What the times are.
const CLOCK: &str = "ns from the origin of the run, the moment its first packet after the warm-up is due, on CLOCK_MONOTONIC: the time-stamp \
counter related to it for due, sent and user, CLOCK_REALTIME moved onto it for kernel; of a simulated path the time of the simulation";

/// A column of the file.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its type in Arrow's words.
    pub(crate) kind: &'static str,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
}

/// Every column, in order.
pub(crate) const COLUMNS: [Column; 7] = [
    Column { name: "flow", kind: "uint32", unit: "number", meaning: "flow of the packet" },
    Column { name: "sequence", kind: "uint64", unit: "number", meaning: "number within the flow, warm-up included" },
    Column {
        name: "frame",
        kind: "uint32",
        unit: "byte",
        meaning: "length on the wire with the frame check sequence, as it was sent",
    },
    Column { name: "due", kind: "int64", unit: "ns", meaning: "when it was due; negative in the warm-up" },
    Column { name: "sent", kind: "int64", unit: "ns", meaning: "the clock just before the send call" },
    Column { name: "kernel", kind: "int64, null when lost", unit: "ns", meaning: "the kernel's receive stamp" },
    Column { name: "user", kind: "int64, null when lost", unit: "ns", meaning: "the clock when user space saw it" },
];

/// Rows per batch: bounds the memory of writing and reading.
const BATCH: usize = 1 << 16;

/// All columns but the length of the frame.
const COUNTED: [&str; 6] = ["flow", "sequence", "due", "sent", "kernel", "user"];

/// Bytes that the interface appends to each frame (IEEE 802.3-2022, 3.2.9).
const FRAME_CHECK_SEQUENCE: u32 = 4;

/// Rows of a row group, which is what can be read by itself: what [`tallies`](super::tallies) divides among threads.
pub(crate) const GROUP: usize = 1 << 20;

/// Writes the records of a run. `length` gives a packet's bytes without check sequence, by flow and sequence number.
pub(crate) fn write(path: &Path, records: &[PacketRecord], length: impl Fn(u32, u64) -> u32) -> anyhow::Result<()> {
    write_in_groups(path, records, length, GROUP)
}

/// The same with row groups of so many rows.
pub(super) fn write_in_groups(
    path: &Path,
    records: &[PacketRecord],
    length: impl Fn(u32, u64) -> u32,
    group: usize,
) -> anyhow::Result<()> {
    let what = || format!("cannot write {}", path.display());
    let partial = path.with_extension("partial");
    let file = File::create(&partial).with_context(what)?;
    let mut writer = ArrowWriter::try_new(file, batch(&[], &length)?.schema(), Some(properties(group)?)).with_context(what)?;
    for rows in records.chunks(BATCH) {
        writer.write(&batch(rows, &length)?).with_context(what)?;
    }
    writer.close().with_context(what)?;
    std::fs::rename(&partial, path).with_context(what)
}

/// How files with these columns are written: integers by their differences, whatever else there is by a dictionary, so many rows in each
/// row group.
pub(crate) fn properties(group: usize) -> anyhow::Result<WriterProperties> {
    let builder = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_max_row_group_row_count(Some(group))
        .set_key_value_metadata(Some(metadata()?));
    let packed = COLUMNS.into_iter().fold(builder, |builder, Column { name, .. }| {
        let path = ColumnPath::from(name);
        builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, Encoding::DELTA_BINARY_PACKED)
    });
    Ok(packed.build())
}

fn metadata() -> anyhow::Result<Vec<KeyValue>> {
    let columns = serde_json::to_string(&COLUMNS)?;
    let pair = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    Ok(vec![
        pair(LAYOUT_KEY, LAYOUT.to_string()),
        pair(VERSION_KEY, crate::cli::version().to_owned()),
        pair("tailbed.clock", CLOCK.to_owned()),
        pair("tailbed.columns", columns),
    ])
}

/// Refuses a layout that is not [`LAYOUT`]. A file that names none was written before layouts had versions, and has the columns of the first.
fn refuse_other_layouts(pairs: Option<&Vec<KeyValue>>) -> anyhow::Result<()> {
    let value = |key: &str| pairs?.iter().find(|pair| pair.key == key)?.value.as_deref();
    let Some(layout) = value(LAYOUT_KEY).filter(|layout| *layout != LAYOUT.to_string()) else { return Ok(()) };
    let writer = value(VERSION_KEY).map_or_else(|| "another tailbed".to_owned(), |version| format!("tailbed {version}"));
    bail!("it has layout {layout} of the packets, and this tailbed reads layout {LAYOUT}: read it with {writer}, which wrote it")
}

fn batch(rows: &[PacketRecord], length: impl Fn(u32, u64) -> u32) -> anyhow::Result<RecordBatch> {
    let frame = |departure: Departure| length(departure.flow, departure.sequence) + FRAME_CHECK_SEQUENCE;
    let departures = || rows.iter().map(|row| row.departure);
    let column = |array: Arc<dyn Array>| -> ArrayRef { array };
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("flow", column(Arc::new(departures().map(|departure| departure.flow).collect::<UInt32Array>())), false),
        ("sequence", column(Arc::new(departures().map(|departure| departure.sequence).collect::<UInt64Array>())), false),
        ("frame", column(Arc::new(departures().map(frame).collect::<UInt32Array>())), false),
        ("due", column(Arc::new(departures().map(|departure| departure.due).collect::<Int64Array>())), false),
        ("sent", column(Arc::new(departures().map(|departure| departure.sent).collect::<Int64Array>())), false),
        ("kernel", column(Arc::new(rows.iter().map(|row| row.received.map(|at| at.kernel)).collect::<Int64Array>())), true),
        ("user", column(Arc::new(rows.iter().map(|row| row.received.map(|at| at.user)).collect::<Int64Array>())), true),
    ])?)
}

/// Opens the records of a run, to be read batch by batch.
pub(crate) fn batches(path: &Path) -> anyhow::Result<ParquetRecordBatchReader> {
    let packets = Packets::open(path)?;
    packets.reader(0..packets.groups(), &COLUMNS.map(|column| column.name))
}

/// Reads the records of a run back.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<PacketRecord>> {
    let what = || format!("cannot read {}", path.display());
    let packets = Packets::open(path)?;
    let mut found = Vec::new();
    for batch in packets.reader(0..packets.groups(), &COUNTED)? {
        records(&batch.with_context(what)?, |record| found.push(*record)).with_context(what)?;
    }
    Ok(found)
}

/// A file of packets whose footer was read. It is opened again for every part that is counted, so that parts can be counted side by side.
pub(crate) struct Packets {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl Packets {
    /// Reads the footer.
    ///
    /// # Errors
    /// When it is none, or of a layout that is not [`LAYOUT`].
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("cannot read {}", path.display());
        let file = File::open(path).with_context(what)?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).with_context(what)?;
        refuse_other_layouts(metadata.metadata().file_metadata().key_value_metadata()).with_context(what)?;
        Ok(Self { path: path.to_owned(), metadata })
    }

    /// Row groups: what can be read by itself, some million packets each.
    pub(crate) fn groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Counts the packets of some row groups, reading only the columns that it takes; `streams` says which flows each stream has. Memory
    /// does not grow with the packets.
    pub(crate) fn tally<'a>(&self, groups: Range<usize>, streams: &'a [StreamFlows]) -> anyhow::Result<Tally<'a>> {
        let what = || format!("cannot read {}", self.path.display());
        let mut tally = Tally::new(streams);
        for batch in self.reader(groups, &COUNTED)? {
            records(&batch.with_context(what)?, |record| tally.record(record)).with_context(what)?;
        }
        Ok(tally)
    }

    /// Reads columns of some row groups, batch by batch; a column that the file does not have is left out.
    fn reader(&self, groups: Range<usize>, columns: &[&str]) -> anyhow::Result<ParquetRecordBatchReader> {
        let what = || format!("cannot read {}", self.path.display());
        let file = File::open(&self.path).with_context(what)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let columns = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let reader = builder.with_projection(columns).with_row_groups(groups.collect()).with_batch_size(BATCH).build();
        reader.with_context(what)
    }
}

/// Calls `each` with every record of a batch.
fn records(batch: &RecordBatch, mut each: impl FnMut(&PacketRecord)) -> anyhow::Result<()> {
    let (flow, sequence) = (numbers::<UInt32Type>(batch, "flow")?, numbers::<UInt64Type>(batch, "sequence")?);
    let (due, sent) = (times(batch, "due")?, times(batch, "sent")?);
    let (kernel, user) = (times(batch, "kernel")?, times(batch, "user")?);
    for row in 0..batch.num_rows() {
        let departure =
            Departure { flow: flow.value(row), sequence: sequence.value(row), due: due.value(row), sent: sent.value(row) };
        let received = kernel.is_valid(row).then(|| Received { kernel: kernel.value(row), user: user.value(row) });
        each(&PacketRecord { departure, received });
    }
    Ok(())
}

fn times<'a>(batch: &'a RecordBatch, name: &str) -> anyhow::Result<&'a Int64Array> {
    numbers::<Int64Type>(batch, name)
}

fn numbers<'a, T: ArrowPrimitiveType>(batch: &'a RecordBatch, name: &str) -> anyhow::Result<&'a PrimitiveArray<T>> {
    let column = batch.column_by_name(name).with_context(|| format!("there is no column {name}"))?;
    column.as_primitive_opt::<T>().with_context(|| format!("{name} is not of type {}", T::DATA_TYPE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_round_trip_lost_ones_too() {
        let records: Vec<_> = (0..100_000_i64)
            .map(|number| PacketRecord {
                departure: Departure {
                    flow: 1,
                    sequence: number.unsigned_abs(),
                    due: number * 1000 - 5_000_000,
                    sent: number * 1000 + 17,
                },
                received: (number % 7 != 0).then_some(Received { kernel: number * 1000 + 900, user: number * 1000 + 1100 }),
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packets.parquet");
        write(&path, &records, |_, sequence| if sequence % 12 == 0 { 1514 } else { 60 }).unwrap();
        assert_eq!(read(&path).unwrap(), records);
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(size < 100_000 * 8, "{size} bytes for 100 000 packets: the integers are not packed");
    }

    #[test]
    fn columns_are_as_documented() {
        let batch = batch(&[], |_, _| 60).unwrap();
        let schema = batch.schema();
        let found: Vec<(String, String)> = schema
            .fields()
            .iter()
            .map(|field| {
                let null = if field.is_nullable() { ", null when lost" } else { "" };
                (field.name().clone(), format!("{}{null}", field.data_type()).to_lowercase())
            })
            .collect();
        let documented: Vec<_> = COLUMNS.iter().map(|column| (column.name.to_owned(), column.kind.to_owned())).collect();
        assert_eq!(found, documented);
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/results.md")).unwrap();
        for Column { name, kind, unit, meaning } in COLUMNS {
            let row = format!("| `{name}` | {kind} | {unit} | {meaning} |");
            assert!(text.contains(&row), "docs/results.md lacks {row}");
        }
    }

    #[test]
    fn another_layout_is_refused_by_name() {
        let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
        let said = |pairs: Vec<KeyValue>| refuse_other_layouts(Some(&pairs)).map_err(|error| error.to_string());
        assert_eq!(said(metadata().unwrap()), Ok(()));
        assert_eq!(said(Vec::new()), Ok(()));
        let other = vec![pair(LAYOUT_KEY, "2"), pair(VERSION_KEY, "3.1.0")];
        let expected =
            "it has layout 2 of the packets, and this tailbed reads layout 1: read it with tailbed 3.1.0, which wrote it";
        assert_eq!(said(other), Err(expected.to_owned()));
        assert!(said(vec![pair(LAYOUT_KEY, "x")]).unwrap_err().contains("another tailbed"));
        assert!(refuse_other_layouts(None).is_ok());
    }

    #[test]
    fn a_file_that_is_not_parquet_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packets.parquet");
        std::fs::write(&path, "no").unwrap();
        assert!(format!("{:#}", Packets::open(&path).err().unwrap()).contains("packets.parquet"));
    }
}
