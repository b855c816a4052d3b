//! An answer whose texts are not taken for Markdown, and so can be written as it.

use super::{Along, Contrast, Factors, Group, Level, Row};
use crate::compare::escaped::{judged, parameters};
use crate::escape::markdown;

pub(super) fn factors(factors: &Factors) -> Factors {
    Factors {
        name: markdown(&factors.name),
        said: all(&factors.said),
        by: markdown(&factors.by),
        against: markdown(&factors.against),
        regardless: all(&factors.regardless),
        only: parameters(&factors.only),
        groups: factors.groups.iter().map(group).collect(),
        ..factors.clone()
    }
}

fn all(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| markdown(text)).collect()
}

fn group(group: &Group) -> Group {
    Group {
        parameters: parameters(&group.parameters),
        levels: group.levels.iter().map(level).collect(),
        contrasts: group.contrasts.iter().map(contrast).collect(),
    }
}

fn level(level: &Level) -> Level {
    Level {
        value: markdown(&level.value),
        along: level.along.iter().map(along).collect(),
        conditions: judged(&level.conditions),
        ..level.clone()
    }
}

fn along(along: &Along) -> Along {
    Along { key: markdown(&along.key), values: all(&along.values) }
}

fn contrast(contrast: &Contrast) -> Contrast {
    Contrast {
        base: markdown(&contrast.base),
        other: markdown(&contrast.other),
        kept: all(&contrast.kept),
        along: contrast.along.iter().map(|both| both.each_ref().map(along)).collect(),
        rows: contrast.rows.iter().map(row).collect(),
        conditions: judged(&contrast.conditions),
        ..contrast.clone()
    }
}

fn row(row: &Row) -> Row {
    Row { blocks: row.blocks.iter().map(|(block, ratio)| (parameters(block), *ratio)).collect(), ..row.clone() }
}
