//! Prometheus' text format, version 0.0.4, as node_exporter's textfile collector reads it.
//!
//! ```text
//! # HELP memctl_unit_tasks Processes and threads.
//! # TYPE memctl_unit_tasks gauge
//! memctl_unit_tasks{unit="web.service"} 7
//! ```
//!
//! OpenMetrics is another format: it declares a counter without its `_total` and wants `# EOF` at the end.

use std::fmt::{self, Write as _};

/// What is told under one name.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// The name: base units, `_total` for what only grows.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// A sentence on it.
    pub help: &'static str,
}

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Grows, or begins anew.
    Counter,
    /// Rises and falls.
    Gauge,
}

impl Family {
    /// A family of counters.
    #[must_use]
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        let kind = Kind::Counter;
        Self { name, kind, help }
    }

    /// A family of gauges.
    #[must_use]
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        let kind = Kind::Gauge;
        Self { name, kind, help }
    }
}

/// A figure, written to its last digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Bytes, or a count.
    Whole(u64),
    /// Seconds, given as microseconds.
    Seconds(u64),
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(n) => write!(f, "{n}"),
            Self::Seconds(usec) => {
                write!(f, "{}.{:06}", usec / 1_000_000, usec % 1_000_000)
            }
        }
    }
}

/// The labels of a sample: names and values.
pub type Labels<'l> = &'l [(&'l str, &'l str)];

/// A text under construction. A family is written whole or not at all, so that its samples stand together.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// Begins a family; nothing of it is written until it has a sample.
    pub fn family(&mut self, family: Family) -> Samples<'_> {
        Samples {
            text: &mut self.text,
            family,
            begun: false,
        }
    }

    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

/// The samples of one family.
#[derive(Debug)]
pub struct Samples<'t> {
    text: &'t mut String,
    family: Family,
    begun: bool,
}

impl Samples<'_> {
    /// Adds a sample; an unknown figure is none.
    pub fn add(&mut self, labels: Labels<'_>, figure: Option<Figure>) {
        let Some(figure) = figure else { return };
        let Family { name, kind, help } = self.family;
        if !std::mem::replace(&mut self.begun, true) {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
            };
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            self.put(format_args!(
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}"
            ));
        } else {
            self.text.push_str(name);
        }
        let mut before = '{';
        for (label, value) in labels {
            self.put(format_args!("{before}{label}=\""));
            escape(self.text, value);
            self.text.push('"');
            before = ',';
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        self.put(format_args!(" {figure}\n"));
    }

    fn put(&mut self, arguments: fmt::Arguments<'_>) {
        // A string takes everything.
        let _ = self.text.write_fmt(arguments);
    }
}

/// A label's value: a unit's name may have backslashes (`dev-a\x2db.service`).
fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_head_a_family_and_none_without_samples() {
        let mut text = Exposition::default();
        let mut samples = text.family(Family::gauge("a_bytes", "A \\ and\na line."));
        samples.add(
            &[("unit", "x"), ("kind", "y")],
            Some(Figure::Whole(u64::MAX)),
        );
        samples.add(&[("unit", "z")], None);
        samples.add(&[], Some(Figure::Seconds(1_000_007)));
        text.family(Family::counter("b_total", "B."))
            .add(&[("unit", "x")], None);
        assert_eq!(
            text.finish(),
            "# HELP a_bytes A \\\\ and\\na line.\n# TYPE a_bytes gauge\n\
             a_bytes{unit=\"x\",kind=\"y\"} 18446744073709551615\na_bytes 1.000007\n"
        );
    }

    /// What a reader makes of a label's value: the inverse, after the format's description.
    fn read(escaped: &str) -> Option<String> {
        let mut value = String::new();
        let mut chars = escaped.chars();
        while let Some(c) = chars.next() {
            value.push(match c {
                '\\' => match chars.next()? {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    _ => return None,
                },
                '"' | '\n' => return None,
                c => c,
            });
        }
        Some(value)
    }

    proptest! {
        #[test]
        fn whatever_a_label_says_is_read_back(value in "[a\\\\\"\nx2é]{0,12}") {
            let mut text = Exposition::default();
            text.family(Family::gauge("a", "A.")).add(&[("l", &value)], Some(Figure::Whole(1)));
            let text = text.finish();
            prop_assert_eq!(text.lines().count(), 3);
            let line = text.lines().nth(2).and_then(|l| l.strip_prefix("a{l=\"")?.strip_suffix("\"} 1"));
            prop_assert_eq!(line.and_then(read), Some(value));
        }
    }
}
