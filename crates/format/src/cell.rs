//! Cells: the combinations of swept values that a campaign measures.

use serde::{Deserialize, Serialize};

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// The instrument measures itself: the device under test is replaced by a wire.
    Floor,
    /// The device under test is measured.
    #[default]
    Measurement,
}

/// One varied key and the value it had, both as written in the experiment file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Parameter {
    /// Key path, for example `nodes.dut.environment`.
    pub key: String,
    /// The value, for example `container`.
    pub value: String,
}

/// One combination of swept values, as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Floor or measurement.
    pub kind: RunKind,
    /// The values of the swept keys; for a floor, only those that concern traffic.
    pub parameters: Vec<Parameter>,
    /// For a measurement: the floor cell with the same traffic.
    pub floor: Option<usize>,
    /// Whether the path is simulated.
    pub simulated: bool,
}
