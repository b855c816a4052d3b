//! Settings of LXC's system containers.

use super::{Environment, Place, beside, container, huge_pages};
use crate::experiment;
use crate::step::{Hardware, LxcSource, LxcSpec, Masks};
use crate::text::error::Fault;

/// The template that needs neither network nor packages.
const TEMPLATE: &str = "busybox";

pub(super) fn resolve(settings: &experiment::Lxc, place: &Place<'_>) -> Result<Environment, Fault> {
    let memory = settings.memory.map(|memory| memory.0);
    container::memory_limit(memory, place)?;
    let source = match (&settings.template, &settings.image) {
        (Some(_), Some(_)) => {
            return Err(place
                .fault(
                    "image",
                    "a system container is made from a template or from an image, not from both".to_owned(),
                    "the image",
                )
                .help("leave one of `template` and `image` out"));
        }
        (_, Some(image)) => LxcSource::Image(beside(place.folder, image)),
        (template, None) => LxcSource::Template {
            name: template.clone().unwrap_or_else(|| TEMPLATE.to_owned()),
            options: settings.template_options.clone(),
        },
    };
    if let Some(line) = settings.config.iter().find(|line| !line.contains('=') || line.contains('\n')) {
        return Err(place
            .fault("config", format!("`{line}` is not a line of an LXC configuration"), "wanted is KEY = VALUE")
            .help("write it like config = [\"lxc.environment = A=b\"]; lxc.container.conf(5) lists the keys"));
    }
    Ok(Environment::Lxc(Box::new(LxcSpec {
        id: String::new(),
        source,
        config: settings.config.clone(),
        cpus: Vec::new(),
        memory,
        hardware: Hardware {
            cgroup: None,
            devices: container::devices(&settings.devices, place)?,
            hugepages: huge_pages::limits(&settings.hugepages, place)?,
            masks: settings.masks.then(|| Masks { cpus: Vec::new() }),
        },
        boot_timeout: settings.boot_timeout.0,
    })))
}
