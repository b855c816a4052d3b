//! What programs of a campaign can leave behind when everybody who would end them was killed: background processes on the host, and
//! results folders of agents on the host. Both carry the campaign's token, which was drawn for it alone.

use std::fs;

use tailbed_traffic::program::end_marked;

/// The variable that tells every program the token.
pub(crate) const TOKEN: &str = "TAILBED_TOKEN";

/// Ends such processes and removes such folders.
pub(crate) fn sweep(token: &str) {
    end_marked(TOKEN, token);
    let prefix = format!("tb-{token}-");
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix));
        // never through a link
        if ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}
