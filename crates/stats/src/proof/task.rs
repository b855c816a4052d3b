//! What the kernel says of a task in /proc (proc_pid_stat(5), proc_pid_schedstat(5)).

/// A task as it was seen at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// Its thread id, as the reader's pid namespace numbers it.
    pub tid: u32,
    /// Its name (`comm`).
    pub name: String,
    /// The core it runs on, or ran on last.
    pub cpu: usize,
    /// How long it has run in all, ns.
    pub ran: u64,
}

impl Scanned {
    /// Reads the texts of `stat` and `schedstat` of a task; nothing where they are not what they should be.
    pub fn parse(stat: &str, schedstat: &str) -> Option<Self> {
        let (tid, rest) = stat.split_once(" (")?;
        // the name may hold spaces and parentheses itself
        let (name, rest) = rest.rsplit_once(')')?;
        let cpu = rest.split_whitespace().nth(PROCESSOR - 3)?.parse().ok()?;
        let ran = schedstat.split_whitespace().next()?.parse().ok()?;
        Some(Self { tid: tid.trim().parse().ok()?, name: name.to_owned(), cpu, ran })
    }
}

/// The field of `stat` that holds the core, counted from 1; the name is the second.
const PROCESSOR: usize = 39;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stat(name: &str) -> String {
        let fields: Vec<String> = (4..=52).map(|field| if field == 39 { "7".to_owned() } else { field.to_string() }).collect();
        format!("41 ({name}) S {}", fields.join(" "))
    }

    #[test]
    fn a_name_may_hold_anything() {
        for name in ["sh", "a b) c", "((", ""] {
            let expected = Scanned { tid: 41, name: name.to_owned(), cpu: 7, ran: 93_595 };
            assert_eq!(Scanned::parse(&stat(name), "93595 101343 2\n"), Some(expected));
        }
        assert_eq!(Scanned::parse("41 (sh) S 1 2", "1 2 3"), None);
        assert_eq!(Scanned::parse(&stat("sh"), ""), None);
    }

    proptest! {
        #[test]
        fn any_texts_are_read_or_refused(stat in any::<String>(), schedstat in any::<String>()) {
            Scanned::parse(&stat, &schedstat);
        }
    }
}
