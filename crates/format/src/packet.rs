//! What is known of each packet: its departure, its arrivals, and both joined.
//!
//! All times are nanoseconds on the host's monotonic clock, relative to the origin of the run: the due time of the first packet
//! after the warm-up. Packets of the warm-up therefore have negative due times.

use serde::{Deserialize, Serialize};

/// A packet as the load generator saw it leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// The flow it belongs to.
    pub flow: u32,
    /// Its number within the flow, from 0.
    pub sequence: u64,
    /// When the schedule wanted it sent, ns.
    pub due: i64,
    /// The clock just before the send call, ns.
    pub sent: i64,
}

/// A packet as the sink saw it come in; the same packet may come in more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The flow named in the packet.
    pub flow: u32,
    /// The sequence number in the packet.
    pub sequence: u64,
    /// The kernel's receive stamp, ns.
    pub kernel: i64,
    /// The clock when user space saw it, ns.
    pub user: i64,
}

/// A departure joined with its first arrival, if there was one. One row of `packets.parquet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketRecord {
    /// What left.
    pub departure: Departure,
    /// The kernel's and user space's receive stamps, ns; `None` when the packet was lost.
    pub received: Option<Received>,
}

/// The two receive stamps of a packet, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// The kernel's receive stamp.
    pub kernel: i64,
    /// The clock when user space saw it.
    pub user: i64,
}

impl PacketRecord {
    /// One-way latency: kernel receive stamp minus the stamp just before the send call, ns.
    pub fn latency(&self) -> Option<i64> {
        self.received.map(|received| received.kernel.saturating_sub(self.departure.sent))
    }

    /// Latency from when the packet should have left: includes the generator's own lateness, so coordinated omission shows, ns.
    pub fn latency_from_due(&self) -> Option<i64> {
        self.received.map(|received| received.kernel.saturating_sub(self.departure.due))
    }

    /// Latency up to user space's stamp: includes the reader's own stalls, ns.
    pub fn latency_to_user(&self) -> Option<i64> {
        self.received.map(|received| received.user.saturating_sub(self.departure.sent))
    }
}

/// Bytes of one [`Departure`] or [`Arrival`] in the agent's binary blocks (little endian, fields in order).
pub const WIRE_SIZE: usize = 28;

/// A block whose length is not a whole number of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a block of {0} bytes is not a whole number of {WIRE_SIZE}-byte records")]
pub struct PartialRecord(pub usize);

fn encode(flow: u32, sequence: u64, first: i64, second: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&flow.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&second.to_le_bytes());
}

fn decode(bytes: &[u8]) -> Result<impl Iterator<Item = (u32, u64, i64, i64)> + '_, PartialRecord> {
    let (records, rest) = bytes.as_chunks::<WIRE_SIZE>();
    if !rest.is_empty() {
        return Err(PartialRecord(bytes.len()));
    }
    Ok(records.iter().map(|record| {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&record[at..at + 8]);
            word
        };
        let flow = u32::from_le_bytes([record[0], record[1], record[2], record[3]]);
        (flow, u64::from_le_bytes(word(4)), i64::from_le_bytes(word(12)), i64::from_le_bytes(word(20)))
    }))
}

impl Departure {
    /// Appends the record to a binary block.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(self.flow, self.sequence, self.due, self.sent, out);
    }

    /// Reads the records of a binary block.
    ///
    /// # Errors
    /// When the block ends within a record.
    pub fn decode(bytes: &[u8]) -> Result<impl Iterator<Item = Self> + '_, PartialRecord> {
        Ok(decode(bytes)?.map(|(flow, sequence, due, sent)| Self { flow, sequence, due, sent }))
    }
}

impl Arrival {
    /// Appends the record to a binary block.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(self.flow, self.sequence, self.kernel, self.user, out);
    }

    /// Reads the records of a binary block.
    ///
    /// # Errors
    /// When the block ends within a record.
    pub fn decode(bytes: &[u8]) -> Result<impl Iterator<Item = Self> + '_, PartialRecord> {
        Ok(decode(bytes)?.map(|(flow, sequence, kernel, user)| Self { flow, sequence, kernel, user }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_round_trip(rows in proptest::collection::vec((any::<u32>(), any::<u64>(), any::<i64>(), any::<i64>()), 0..20)) {
            let arrivals: Vec<_> =
                rows.into_iter().map(|(flow, sequence, kernel, user)| Arrival { flow, sequence, kernel, user }).collect();
            let mut block = Vec::new();
            for arrival in &arrivals {
                arrival.encode(&mut block);
            }
            prop_assert_eq!(Arrival::decode(&block).unwrap().collect::<Vec<_>>(), arrivals);
        }
    }

    #[test]
    fn a_torn_block_is_refused() {
        assert_eq!(Departure::decode(&[0; 30]).err(), Some(PartialRecord(30)));
    }
}
