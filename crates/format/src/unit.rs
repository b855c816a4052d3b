//! Values with units, as written in experiment files: rates, times, sizes, shares.
//!
//! A value is a decimal number directly followed by its unit. All arithmetic is on integers: `1.52Mpps` is 1 520 000 packets per
//! second exactly, and a value that is not a whole number of the base unit is refused rather than rounded.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a value is a quantity of: its units, each with how many base units it is.
trait Quantity {
    const NAME: &'static str;
    const EXAMPLES: &'static str;
    const UNITS: &'static [(&'static str, u64)];
    /// Whether a bare number is understood, in base units.
    const BARE: bool;
}

/// The text is not a value of the kind wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongUnit {
    /// No number at the start.
    #[error("`{text}` is not a {kind}; write it like {examples}")]
    NotANumber {
        /// What was found.
        text: String,
        /// What was wanted.
        kind: &'static str,
        /// How to write it.
        examples: &'static str,
    },
    /// A number without a unit.
    #[error("`{text}` needs a unit; write it like {examples}")]
    NoUnit {
        /// What was found.
        text: String,
        /// How to write it.
        examples: &'static str,
    },
    /// A unit of something else.
    #[error("`{unit}` is not a unit of a {kind}; write it like {examples}")]
    UnknownUnit {
        /// The unit found.
        unit: String,
        /// What was wanted.
        kind: &'static str,
        /// How to write it.
        examples: &'static str,
    },
    /// Not a whole number of base units.
    #[error("`{text}` is finer than one {base}")]
    TooFine {
        /// What was found.
        text: String,
        /// The base unit.
        base: &'static str,
    },
    /// Beyond 64 bits.
    #[error("`{text}` is too large")]
    TooLarge {
        /// What was found.
        text: String,
    },
}

fn parse<Q: Quantity>(text: &str) -> Result<u64, WrongUnit> {
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let unit = unit.trim_start();
    let not_a_number = || WrongUnit::NotANumber { text: text.to_owned(), kind: Q::NAME, examples: Q::EXAMPLES };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.chars().filter(|c| *c != '_').collect::<String>();
    let (whole, fraction) = (digits(whole), digits(fraction));
    if whole.is_empty() || fraction.contains('.') || number.ends_with('.') {
        return Err(not_a_number());
    }
    let base = Q::UNITS[0].0;
    let scale = match Q::UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, scale)) => *scale,
        None if unit.is_empty() && Q::BARE => 1,
        None if unit.is_empty() => return Err(WrongUnit::NoUnit { text: text.to_owned(), examples: Q::EXAMPLES }),
        None => return Err(WrongUnit::UnknownUnit { unit: unit.to_owned(), kind: Q::NAME, examples: Q::EXAMPLES }),
    };
    let too_large = || WrongUnit::TooLarge { text: text.to_owned() };
    let fraction = fraction.trim_end_matches('0');
    let tens = u32::try_from(fraction.len()).ok().and_then(|places| 10u128.checked_pow(places)).ok_or_else(too_large)?;
    let mantissa: u128 = format!("{whole}{fraction}").parse().map_err(|_| too_large())?;
    let scaled = mantissa.checked_mul(u128::from(scale)).ok_or_else(too_large)?;
    if scaled % tens != 0 {
        return Err(WrongUnit::TooFine { text: text.to_owned(), base });
    }
    u64::try_from(scaled / tens).map_err(|_| too_large())
}

/// The largest unit in which the value is a whole number, or one with at most two decimals where the unit is decimal.
fn print<Q: Quantity>(value: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let fine = |scale: u64| if scale.is_multiple_of(100) { scale / 100 } else { scale };
    let fits = |(_, scale): &&(&str, u64)| value >= *scale && value.is_multiple_of(fine(*scale));
    let (unit, scale) = Q::UNITS.iter().rev().find(fits).unwrap_or(&Q::UNITS[0]);
    let (whole, rest) = (value / scale, value % scale);
    if rest == 0 {
        return write!(f, "{whole}{unit}");
    }
    let hundredths = format!("{:02}", rest / fine(*scale));
    write!(f, "{whole}.{}{unit}", hundredths.trim_end_matches('0'))
}

struct QuantityVisitor<Q>(std::marker::PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for QuantityVisitor<Q> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} like {}", Q::NAME, Q::EXAMPLES)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<u64, E> {
        parse::<Q>(text).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<u64, E> {
        if Q::BARE { Ok(number) } else { parse::<Q>(&number.to_string()).map_err(E::custom) }
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<u64, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $examples:literal, bare: $bare:literal, pattern: $pattern:literal,
     units: [$(($unit:literal, $scale:expr)),* $(,)?]) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl Quantity for $name {
            const NAME: &'static str = $kind;
            const EXAMPLES: &'static str = $examples;
            const UNITS: &'static [(&'static str, u64)] = &[$(($unit, $scale)),*];
            const BARE: bool = $bare;
        }

        impl FromStr for $name {
            type Err = WrongUnit;

            fn from_str(text: &str) -> Result<Self, WrongUnit> {
                parse::<Self>(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                print::<Self>(self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(QuantityVisitor::<Self>(std::marker::PhantomData)).map(Self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let text = json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "description": concat!("A ", $kind, ", written like ", $examples),
                });
                if $bare { json_schema!({ "anyOf": [text, { "type": "integer", "minimum": 0 }] }) } else { text }
            }
        }
    };
}

quantity!(
    /// Packets per second.
    PacketRate, "packet rate", "`10kpps` or `1.52Mpps`", bare: false, pattern: r"^[0-9][0-9_]*(\.[0-9_]+)? *[kM]?pps$",
    units: [("pps", 1), ("kpps", 1_000), ("Mpps", 1_000_000)]
);

quantity!(
    /// A length of time in nanoseconds.
    Time, "length of time", "`5s` or `250ms`", bare: false, pattern: r"^[0-9][0-9_]*(\.[0-9_]+)? *(ns|us|µs|ms|s|min|h)$",
    units: [("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("min", 60_000_000_000), ("h", 3_600_000_000_000)]
);

quantity!(
    /// A size in bytes.
    Bytes, "size", "`64`, `1500B` or `256MiB`", bare: true, pattern: r"^[0-9][0-9_]*(\.[0-9_]+)? *(B|kB|KiB|MB|MiB|GB|GiB|TiB)?$",
    units: [("B", 1), ("kB", 1_000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20), ("GB", 1_000_000_000), ("GiB", 1 << 30), ("TiB", 1 << 40)]
);

quantity!(
    /// A share of a whole in parts per million. Nothing keeps it below the whole: who takes one checks.
    Share, "share", "`1%`, `0.01%` or `100ppm`", bare: false, pattern: r"^[0-9][0-9_]*(\.[0-9_]+)? *(ppm|%)$",
    units: [("ppm", 1), ("%", 10_000)]
);

impl Share {
    /// All of it, ppm.
    pub const WHOLE: u64 = 1_000_000;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!("1.52Mpps".parse(), Ok(PacketRate(1_520_000)));
        assert_eq!("10kpps".parse(), Ok(PacketRate(10_000)));
        assert_eq!("0.5s".parse(), Ok(Time(500_000_000)));
        assert_eq!("3µs".parse(), Ok(Time(3_000)));
        assert_eq!("256MiB".parse(), Ok(Bytes(256 << 20)));
        assert_eq!("64".parse(), Ok(Bytes(64)));
        assert_eq!("0.01%".parse(), Ok(Share(100)));
    }

    #[test]
    fn wrong_values_say_what_would_do() {
        let error = |result: Result<PacketRate, WrongUnit>| result.unwrap_err().to_string();
        assert_eq!(error("10".parse()), "`10` needs a unit; write it like `10kpps` or `1.52Mpps`");
        assert_eq!(error("10kbit".parse()), "`kbit` is not a unit of a packet rate; write it like `10kpps` or `1.52Mpps`");
        assert_eq!(error("fast".parse()), "`fast` is not a packet rate; write it like `10kpps` or `1.52Mpps`");
        assert_eq!(error("1.2345kpps".parse()), "`1.2345kpps` is finer than one pps");
        assert_eq!(error("99999999999999999999Mpps".parse()), "`99999999999999999999Mpps` is too large");
        assert!("1.2.3s".parse::<Time>().is_err());
        assert!("1.s".parse::<Time>().is_err());
        assert!("-1s".parse::<Time>().is_err());
    }

    #[test]
    fn prints_the_shortest_unit() {
        assert_eq!(PacketRate(1_520_000).to_string(), "1.52Mpps");
        assert_eq!(PacketRate(10_000).to_string(), "10kpps");
        assert_eq!(Time(1_500_000_000).to_string(), "1.5s");
        assert_eq!(Time(0).to_string(), "0ns");
    }

    proptest! {
        #[test]
        fn printing_round_trips(value in any::<u64>()) {
            prop_assert_eq!(PacketRate(value).to_string().parse(), Ok(PacketRate(value)));
            prop_assert_eq!(Time(value).to_string().parse(), Ok(Time(value)));
            prop_assert_eq!(Bytes(value).to_string().parse(), Ok(Bytes(value)));
            prop_assert_eq!(Share(value).to_string().parse(), Ok(Share(value)));
        }

        #[test]
        fn any_text_is_a_value_or_an_error(text in ".*") {
            let _ = text.parse::<PacketRate>();
            let _ = text.parse::<Time>();
        }
    }
}
