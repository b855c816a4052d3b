//! Two levels of a factor, block by block, measure by measure.

use serde::Serialize;
use tailbed_format::summary::{CampaignSummary, Parameter, RunSummary};

use super::level::{self, Along};
use super::stratified::{self, Block};
use super::{Group, Observed, Question, distinct, measure, words};
use crate::campaign::floor_of;
use crate::compare::gate::{Condition, Limit, Measure, Outcome, judge};
use crate::compare::row::{CHANCE, LEAST_CONFIDENCE};
use crate::compare::{Judged, Range, packets, rank_sum};

/// A level against the base.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contrast {
    /// The base's value.
    pub base: String,
    /// The level's value.
    pub other: String,
    /// The factors that are the same on both sides of a block.
    pub kept: Vec<String>,
    /// Combinations of those that both levels have.
    pub blocks: usize,
    /// Repeats of base and other that no block has a partner for.
    pub alone: [usize; 2],
    /// Factors that are disregarded and differ between the sides: of the base, of the other.
    pub along: Vec<[Along; 2]>,
    /// The least probability by chance that a single block could show, and all of them together.
    pub reach: [f64; 2],
    /// One for each measure with a value on both sides of a block.
    pub rows: Vec<Row>,
    /// What became of conditions that name a difference.
    pub conditions: Vec<Judged>,
}

/// A measure of two levels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Which.
    pub measure: Measure,
    /// Repeats with a value: of the base, of the other.
    pub repeats: [usize; 2],
    /// Other over base, were it the same in every block.
    pub ratio: Range,
    /// Other minus base, ns, were it the same in every block.
    pub difference: Range,
    /// Each block by itself: its values of the kept factors, and its median ratio.
    pub blocks: Vec<(Vec<Parameter>, f64)>,
    /// Probability of ranks as one-sided by chance, all rows of the answer together (Holm 1979).
    pub chance: f64,
    /// The instrument's own latency at the measure, the greatest of all cells, ns; `None` where it was not measured.
    pub floor: Option<f64>,
    /// The least probability that so many repeats could have shown.
    pub reach: f64,
    /// What may be said.
    pub verdict: Verdict,
}

/// What may be said of two levels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It takes longer.
    Slower,
    /// It takes less long.
    Faster,
    /// It takes neither more nor less than the margin's share longer, in any block.
    Close,
    /// Taken together within the margin, but not in so many blocks.
    CloseExcept(usize),
    /// There is a difference, smaller than what the instrument takes itself.
    BelowFloor,
    /// If there is a difference it is not larger than this share.
    NoLargerThan(f64),
    /// Of a maximum, which grows with the number of packets: so many a run of the base and of the other.
    Unlike([u64; 2]),
    /// So few repeats could not have shown a difference.
    NotEnough,
}

impl Row {
    /// Blocks in which the other lies on the far side of equal from where the whole lies.
    pub fn contrary(&self) -> Vec<&(Vec<Parameter>, f64)> {
        let slower = self.ratio.estimate > 1.0;
        self.blocks.iter().filter(|(_, ratio)| if slower { *ratio < 1.0 } else { *ratio > 1.0 }).collect()
    }

    /// Blocks that lie beyond a margin.
    pub fn beyond(&self, margin: f64) -> Vec<&(Vec<Parameter>, f64)> {
        self.blocks.iter().filter(|(_, ratio)| !is_within(*ratio, margin)).collect()
    }
}

fn is_within(ratio: f64, margin: f64) -> bool {
    ratio <= 1.0 + margin && ratio >= 1.0 / (1.0 + margin)
}

/// The runs of both levels that one block holds.
struct Sides<'a> {
    parameters: Vec<Parameter>,
    runs: [Vec<&'a RunSummary>; 2],
}

pub(super) fn of(
    cells: &[&Observed<'_>],
    (base, other): (&str, &str),
    kept: &[&str],
    question: &Question,
    summary: &CampaignSummary,
) -> Contrast {
    let levels = [base, other];
    let of_levels: Vec<&Observed<'_>> = cells.iter().copied().filter(|one| levels.contains(&one.value(&question.by))).collect();
    let sides = distinct(of_levels.iter().map(|one| one.values(kept))).into_iter().map(|parameters| {
        let here: Vec<&&Observed<'_>> = of_levels.iter().filter(|one| one.values(kept) == parameters).collect();
        let runs = levels.map(|level| {
            let cells = here.iter().filter(|one| one.value(&question.by) == level);
            cells.flat_map(|one| one.runs.iter().copied()).collect::<Vec<_>>()
        });
        Sides { parameters, runs }
    });
    let (blocks, alone): (Vec<Sides<'_>>, Vec<Sides<'_>>) = sides.partition(|one| one.runs.iter().all(|runs| !runs.is_empty()));
    let floor = |measure: Measure| {
        let Measure::At(percentile) = measure else { return None };
        of_levels.iter().filter_map(|one| floor_of(one.cell, percentile, &summary.cells)).max().map(|ns| ns as f64)
    };
    let rows: Vec<Row> = question.measures.iter().filter_map(|measure| row(*measure, &blocks, floor(*measure))).collect();
    let relative = question.conditions.iter().filter(|condition| !matches!(condition.limit, Limit::Time(_)));
    let shapes: Vec<Block> = blocks
        .iter()
        .map(|sides| Block { base: vec![0.0; sides.runs[0].len()], other: vec![0.0; sides.runs[1].len()] })
        .collect();
    let single = shapes.iter().map(|block| stratified::reach(std::slice::from_ref(block))).fold(1.0, f64::min);
    // where nothing came through on the other side, and the base has repeats that count
    let has_base = |one: &Observed<'_>| {
        let of_base = of_levels.iter().filter(|candidate| candidate.value(&question.by) == base && !candidate.runs.is_empty());
        of_base.into_iter().any(|candidate| candidate.values(kept) == one.values(kept))
    };
    let silent = || of_levels.iter().filter(|one| one.value(&question.by) == other && has_base(one));
    Contrast {
        base: base.to_owned(),
        other: other.to_owned(),
        kept: kept.iter().map(|key| (*key).to_owned()).collect(),
        blocks: blocks.len(),
        alone: [0, 1].map(|side| alone.iter().map(|sides| sides.runs[side].len()).sum()),
        along: along(&of_levels, levels, question),
        reach: [single, stratified::reach(&shapes)],
        conditions: relative
            .map(|condition| silent().find_map(|one| one.fails(condition)).unwrap_or_else(|| judged(condition, &blocks)))
            .collect(),
        rows,
    }
}

/// Of the factors that are disregarded, those whose values are not the same on both sides.
fn along(cells: &[&Observed<'_>], levels: [&str; 2], question: &Question) -> Vec<[Along; 2]> {
    let [base, other] = levels.map(|level| level::of(cells, level, question).along);
    base.into_iter().zip(other).filter(|(base, other)| base != other).map(|(base, other)| [base, other]).collect()
}

/// The values of a measure, block by block; blocks without one on a side are left out.
fn blocks_of<'a>(measure: Measure, sides: &'a [Sides<'_>]) -> (Vec<&'a [Parameter]>, Vec<Block>) {
    let values = |runs: &[&RunSummary]| runs.iter().filter_map(|run| measure::value(measure, run)).collect::<Vec<f64>>();
    let blocks = sides
        .iter()
        .map(|sides| (sides.parameters.as_slice(), Block { base: values(&sides.runs[0]), other: values(&sides.runs[1]) }));
    blocks.filter(|(_, block)| !block.base.is_empty() && !block.other.is_empty()).unzip()
}

/// The difference and the ratio, each as if it were the same in every block.
fn both(blocks: &[Block]) -> Option<(Range, Range)> {
    let difference = stratified::shift(blocks)?;
    // of positive values: the shift of their logarithms
    let logs = |values: &[f64]| values.iter().map(|value| value.max(1.0).ln()).collect();
    let blocks: Vec<Block> = blocks.iter().map(|block| Block { base: logs(&block.base), other: logs(&block.other) }).collect();
    let ratio = stratified::shift(&blocks)?;
    let ratio =
        Range { estimate: ratio.estimate.exp(), low: ratio.low.exp(), high: ratio.high.exp(), confidence: ratio.confidence };
    Some((difference.into(), ratio))
}

fn row(measure: Measure, sides: &[Sides<'_>], floor: Option<f64>) -> Option<Row> {
    let (parameters, blocks) = blocks_of(measure, sides);
    let (difference, ratio) = both(&blocks)?;
    let alone = |block: &Block| both(std::slice::from_ref(block)).map_or(1.0, |(_, ratio)| ratio.estimate);
    Some(Row {
        measure,
        repeats: [blocks.iter().map(|block| block.base.len()).sum(), blocks.iter().map(|block| block.other.len()).sum()],
        ratio,
        difference,
        chance: stratified::two_sided(&blocks)?,
        floor,
        reach: stratified::reach(&blocks),
        blocks: parameters.into_iter().map(<[Parameter]>::to_vec).zip(blocks.iter().map(alone)).collect(),
        verdict: unlike(measure, sides).map_or(Verdict::NotEnough, Verdict::Unlike),
    })
}

/// The packets a run of both sides, where they differ in a block by more than maxima allow.
fn unlike(measure: Measure, sides: &[Sides<'_>]) -> Option<[u64; 2]> {
    let sides = sides.iter().filter(|_| measure == Measure::Maximum);
    sides.into_iter().find_map(|sides| packets::unlike(&sides.runs[0], &sides.runs[1]))
}

/// How much more the other takes, against a limit on that.
fn judged(condition: &Condition, sides: &[Sides<'_>]) -> Judged {
    let (_, blocks) = blocks_of(condition.measure, sides);
    let judged = |outcome, why| Judged::new(condition, (outcome, why));
    if let Some(unlike) = unlike(condition.measure, sides) {
        return judged(Outcome::Undecided, packets::words(unlike));
    }
    let Some((difference, ratio)) = both(&blocks) else {
        return judged(Outcome::Undecided, "no block has a value on both sides".to_owned());
    };
    let (range, outcome) = match condition.limit {
        Limit::MoreByShare(share) => (words::share(&ratio), judge(ratio.low - 1.0, ratio.high - 1.0, share)),
        Limit::MoreBy(ns) | Limit::Time(ns) => (words::time_more(&difference), judge(difference.low, difference.high, ns as f64)),
        Limit::Share(_) => (String::new(), Outcome::Undecided),
    };
    if ratio.confidence < LEAST_CONFIDENCE {
        let needed = rank_sum::needed(1.0 - LEAST_CONFIDENCE);
        return judged(Outcome::Undecided, format!("{range}; so few repeats decide nothing: {needed} a side in one block could"));
    }
    judged(outcome, range)
}

/// Corrects all rows of an answer together (Holm 1979), but for maxima of which nothing may be said, and says what may be said of each; how
/// many rows there are.
pub(super) fn correct(groups: &mut [Group], margin: Option<f64>) -> usize {
    let mut rows: Vec<&mut Row> =
        groups.iter_mut().flat_map(|group| &mut group.contrasts).flat_map(|contrast| &mut contrast.rows).collect();
    rows.retain(|row| !matches!(row.verdict, Verdict::Unlike(_)));
    rows.sort_by(|one, other| one.chance.total_cmp(&other.chance));
    let count = rows.len();
    let mut least = 0.0_f64;
    for (place, row) in rows.into_iter().enumerate() {
        least = least.max((row.chance * (count - place) as f64).min(1.0));
        row.chance = least;
        row.verdict = verdict(row, margin, count);
    }
    count
}

fn verdict(row: &Row, margin: Option<f64>, count: usize) -> Verdict {
    let sure = row.ratio.confidence >= LEAST_CONFIDENCE;
    // both ends within the margin: the two one-sided tests of Schuirmann (1987), and at 95 % stricter than those
    if let Some(margin) = margin.filter(|margin| sure && is_within(row.ratio.low, *margin) && is_within(row.ratio.high, *margin))
    {
        let beyond = row.beyond(margin).len();
        return if beyond == 0 { Verdict::Close } else { Verdict::CloseExcept(beyond) };
    }
    if row.chance <= CHANCE {
        return match row.floor {
            Some(floor) if row.difference.estimate.abs() <= floor => Verdict::BelowFloor,
            _ if row.ratio.estimate > 1.0 => Verdict::Slower,
            _ => Verdict::Faster,
        };
    }
    if row.reach * count as f64 > CHANCE || !sure {
        return Verdict::NotEnough;
    }
    let larger = if row.ratio.high - 1.0 > 1.0 - row.ratio.low { row.ratio.high - 1.0 } else { 1.0 - row.ratio.low };
    Verdict::NoLargerThan(larger.max(0.0))
}
