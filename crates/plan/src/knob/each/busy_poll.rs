//! How long a socket looks for packets itself.

use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, Place, WRITTEN};
use crate::step::Form;

const FILES: [&str; 2] = ["/proc/sys/net/core/busy_poll", "/proc/sys/net/core/busy_read"];

pub(super) const KNOB: Knob = Knob {
    name: "busy_poll",
    unit: "µs",
    what: "Has programs that wait for a socket of a network card's queue look for packets themselves, for so long, before they sleep.",
    why: "It takes the interrupt, and the soft interrupt after it, out of a packet's way, where the driver can; virtual links have none.",
    source: "Documentation/admin-guide/sysctl/net.rst, busy_poll and busy_read; Documentation/networking/napi.rst, \"Busy polling\"",
    about: About::Host,
    accepts: Accepts::Number(0, 1_000_000),
    standard: "50",
    files: &["/proc/sys/net/core/busy_poll", "/proc/sys/net/core/busy_read"],
    form: Form::Text,
    manner: WRITTEN,
    plan,
};

fn plan(knob: &Knob, value: &str, place: &Place<'_>) -> Result<Means, String> {
    let each = FILES.map(|file| setting(knob.name, file, knob.form, value, "how long sockets look for packets themselves"));
    Means::write_all(each, place.settings())
}
