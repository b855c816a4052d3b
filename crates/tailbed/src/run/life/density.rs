//! How many idle nodes fit.

use std::sync::atomic::Ordering;
use std::time::Instant;

use tailbed_format::lifecycle::{Density, Limit};
use tailbed_plan::plan::DensityPlan;

use super::attempt::Stage;
use super::footprint::available;
use crate::apply::Broken;

/// Starts one node after the other, each once the one before has spoken, until something is used up. They are taken back with the rest.
pub(super) fn count<'a>(stage: &mut Stage<'a>, plan: &'a DensityPlan) -> Result<Density, Broken> {
    let began = Instant::now();
    let before = available()?;
    let (mut nodes, mut time, mut limit) = (0_u32, began.elapsed(), Limit::Cap);
    for node in &plan.nodes {
        if u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX) > plan.time {
            limit = Limit::Time;
            break;
        }
        // a node may come to use all that it was given
        if available()?.saturating_sub(plan.memory.unwrap_or(0)) < plan.keep_free {
            limit = Limit::Memory;
            break;
        }
        match stage.bring_up(node) {
            Ok(()) => {}
            Err(Broken::Failed(error)) if !stage.interrupted.load(Ordering::Relaxed) => {
                limit = Limit::Failed(format!("{error:#}"));
                break;
            }
            Err(broken) => return Err(broken),
        }
        nodes += 1;
        time = began.elapsed();
    }
    let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let lost = signed(before) - signed(available()?);
    let memory = lost / i64::from(nodes.max(1));
    Ok(Density { nodes, memory, time: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), limit })
}
