//! `packets.parquet`: one row per packet, integers packed by their differences, readable by any Parquet reader.
//!
//! | column | type | meaning |
//! | --- | --- | --- |
//! | flow | uint32 | flow of the packet |
//! | sequence | uint64 | number within the flow, warm-up included |
//! | frame | uint32 | bytes on the wire with the frame check sequence, as it was sent |
//! | due | int64 | when it was due, ns from the origin of the run; negative in the warm-up |
//! | sent | int64 | the clock just before the send call, ns from the origin |
//! | kernel | int64, null when lost | the kernel's receive stamp, ns from the origin |
//! | user | int64, null when lost | the clock when user space saw it, ns from the origin |

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, UInt32Array, UInt64Array};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterProperties;
use tailbed_format::packet::{Departure, PacketRecord, Received};

/// Rows per batch: bounds the memory of writing and reading.
const BATCH: usize = 1 << 16;

/// Bytes that the interface appends to each frame (IEEE 802.3-2022, 3.2.9).
const FRAME_CHECK_SEQUENCE: u32 = 4;

/// Writes the records of a run. `length` gives a packet's bytes without check sequence, by flow and sequence number.
pub(crate) fn write(path: &Path, records: &[PacketRecord], length: impl Fn(u32, u64) -> u32) -> anyhow::Result<()> {
    let what = || format!("cannot write {}", path.display());
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_compression(Compression::UNCOMPRESSED)
        .build();
    let partial = path.with_extension("partial");
    let file = File::create(&partial).with_context(what)?;
    let mut writer = ArrowWriter::try_new(file, batch(&[], &length)?.schema(), Some(properties)).with_context(what)?;
    for rows in records.chunks(BATCH) {
        writer.write(&batch(rows, &length)?).with_context(what)?;
    }
    writer.close().with_context(what)?;
    std::fs::rename(&partial, path).with_context(what)
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

/// Reads the records of a run back.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<PacketRecord>> {
    let what = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(what)?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.with_batch_size(BATCH).build());
    let mut records = Vec::new();
    for batch in reader.with_context(what)? {
        append(&batch.with_context(what)?, &mut records).with_context(what)?;
    }
    Ok(records)
}

fn append(batch: &RecordBatch, records: &mut Vec<PacketRecord>) -> anyhow::Result<()> {
    let column = |name: &str| batch.column_by_name(name).with_context(|| format!("there is no column {name}"));
    let times =
        |name: &str| column(name)?.as_primitive_opt::<Int64Type>().with_context(|| format!("{name} is not of type int64"));
    let flow = column("flow")?.as_primitive_opt::<UInt32Type>().context("flow is not of type uint32")?;
    let sequence = column("sequence")?.as_primitive_opt::<UInt64Type>().context("sequence is not of type uint64")?;
    let (due, sent, kernel, user) = (times("due")?, times("sent")?, times("kernel")?, times("user")?);
    records.extend((0..batch.num_rows()).map(|row| PacketRecord {
        departure: Departure { flow: flow.value(row), sequence: sequence.value(row), due: due.value(row), sent: sent.value(row) },
        received: kernel.is_valid(row).then(|| Received { kernel: kernel.value(row), user: user.value(row) }),
    }));
    Ok(())
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
    fn a_file_that_is_not_parquet_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packets.parquet");
        std::fs::write(&path, "no").unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("packets.parquet"));
    }
}
