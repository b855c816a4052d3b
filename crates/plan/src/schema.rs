//! The JSON Schema of the experiment file, for editors.

use schemars::generate::SchemaSettings;

use crate::experiment::Experiment;

/// The schema (draft 2020-12), as pretty-printed JSON that ends with a newline.
pub fn schema() -> String {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Experiment>();
    // A JSON value always has a text; the alternate form is the indented one.
    format!("{:#}\n", schema.as_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_as_published() {
        insta::assert_snapshot!(schema());
    }
}
