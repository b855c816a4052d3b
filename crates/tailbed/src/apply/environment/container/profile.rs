//! AppArmor profiles (apparmor(7)).

use std::fs;

use anyhow::{bail, ensure};

use tailbed_plan::step::Confinement;

/// Profiles for containers in general, as container engines load them, best known first.
const DEFAULTS: [&str; 3] = ["docker-default", "containers-default", "cri-containerd.apparmor.d"];

/// Which profile a container gets: the one that is named, else the host's default for containers where it has one loaded.
pub(super) fn apparmor(confinement: &Confinement) -> anyhow::Result<Option<String>> {
    choose(confinement, enabled(), &loaded())
}

fn choose(confinement: &Confinement, enabled: bool, loaded: &[String]) -> anyhow::Result<Option<String>> {
    let is_loaded = |name: &str| loaded.iter().any(|profile| profile == name);
    match confinement.apparmor.as_deref() {
        Some("unconfined") => Ok(None),
        Some(name) => {
            if !enabled {
                bail!("the AppArmor profile {name} is asked for, and AppArmor is not switched on in this host's kernel");
            }
            // a list that cannot be read tells nothing
            ensure!(
                loaded.is_empty() || is_loaded(name),
                "the AppArmor profile {name} is not loaded; apparmor_parser -r loads it"
            );
            Ok(Some(name.to_owned()))
        }
        None if confinement.privileged || !enabled => Ok(None),
        None => Ok(DEFAULTS.into_iter().find(|name| is_loaded(name)).map(str::to_owned)),
    }
}

fn enabled() -> bool {
    fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|value| value.starts_with('Y'))
}

/// Names of loaded profiles; each line is a name and a mode in parentheses.
fn loaded() -> Vec<String> {
    let list = fs::read_to_string("/sys/kernel/security/apparmor/profiles").unwrap_or_default();
    list.lines().filter_map(|line| Some(line.rsplit_once(" (")?.0.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_profile_must_be_there_and_the_default_may_be_missing() {
        let named = Confinement { apparmor: Some("mine".to_owned()), ..Confinement::default() };
        let default = Confinement::default();
        let loaded = ["docker-default".to_owned()];
        assert!(choose(&named, false, &[]).unwrap_err().to_string().contains("not switched on"));
        assert!(choose(&named, true, &loaded).unwrap_err().to_string().contains("not loaded"));
        assert_eq!(choose(&default, false, &[]).unwrap(), None);
        assert_eq!(choose(&default, true, &[]).unwrap(), None);
        assert_eq!(choose(&default, true, &loaded).unwrap().as_deref(), Some("docker-default"));
        let privileged = Confinement { privileged: true, ..default };
        assert_eq!(choose(&privileged, true, &loaded).unwrap(), None);
    }
}
