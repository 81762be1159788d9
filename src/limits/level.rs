//! What the kernel has in force for a directive, and what it will have once a value is realized.

use std::fmt;

use crate::error::{Error, Result};
use crate::kernel::host::Host;
use crate::limits::key::{Key, Value};
use crate::units::{CpuQuota, Memory, show_bytes};

/// systemd's period for `cpu.max`, in microseconds, unless a quota is too small for it.
const CPU_PERIOD: u64 = 100_000;
/// The least quota the kernel takes, in microseconds per period.
const CPU_QUOTA_LEAST: u64 = 1_000;
/// The longest period the kernel takes, in microseconds.
const CPU_PERIOD_MOST: u64 = 1_000_000;
/// `cpu.weight` and `io.weight` where nobody set any.
const WEIGHT_DEFAULT: u64 = 100;

/// A limit as the kernel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Bytes, in whole pages.
    Bytes(u64),
    /// A number of tasks.
    Count(u64),
    /// `max`.
    Unlimited,
    /// CPU time in microseconds per period, in microseconds.
    Quota {
        /// The time.
        quota: u64,
        /// The period.
        period: u64,
    },
    /// A share among siblings, 1–10000.
    Weight(u64),
    /// Only what nobody else wants (`cpu.idle`).
    Idle,
    /// `memory.oom.group`.
    Group(bool),
}

impl Level {
    /// Whether two levels limit alike: quotas as a ratio, within the microsecond systemd rounds away.
    #[must_use]
    pub fn same(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::Quota {
                    quota: a,
                    period: p,
                },
                Self::Quota {
                    quota: b,
                    period: q,
                },
            ) => {
                let (left, right) = (u128::from(a) * u128::from(q), u128::from(b) * u128::from(p));
                left.abs_diff(right) <= u128::from(p.max(q))
            }
            (a, b) => a == b,
        }
    }

    /// The level as a plain figure for comparing and percent: bytes, tasks, millionths of a CPU, weight.
    #[must_use]
    pub fn figure(self) -> Option<u64> {
        match self {
            Self::Bytes(n) | Self::Count(n) | Self::Weight(n) => Some(n),
            Self::Quota { quota, period } => Some(quota.saturating_mul(1_000_000) / period.max(1)),
            Self::Unlimited | Self::Idle | Self::Group(_) => None,
        }
    }

    /// Bytes of a memory limit, `u64::MAX` for none.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::Bytes(n) => n,
            _ => u64::MAX,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(n) => f.write_str(&show_bytes(*n)),
            Self::Count(n) | Self::Weight(n) => write!(f, "{n}"),
            Self::Unlimited => f.write_str("infinity"),
            Self::Quota { quota, period } => {
                let hundredths = u128::from(*quota) * 10_000 / u128::from((*period).max(1));
                let (whole, part) = (hundredths / 100, hundredths % 100);
                match part {
                    0 => write!(f, "{whole}%"),
                    _ => write!(f, "{whole}.{part:02}%"),
                }
            }
            Self::Idle => f.write_str("idle"),
            Self::Group(true) => f.write_str("kill"),
            Self::Group(false) => f.write_str("continue/stop"),
        }
    }
}

/// Reads what is in force for a directive; `read` hands out files of the unit's cgroup.
///
/// `None`: the kernel keeps no such file (the controller is not enabled there, or the kernel is too old).
///
/// # Errors
/// A file says something that cannot be understood.
pub fn in_force(
    key: Key,
    mut read: impl FnMut(&str) -> Result<Option<String>>,
) -> Result<Option<Level>> {
    let Some(file) = key.kernel_file() else {
        return Ok(None);
    };
    if key == Key::CPUWeight && read("cpu.idle")?.is_some_and(|text| text.trim() == "1") {
        return Ok(Some(Level::Idle));
    }
    match read(file)? {
        Some(text) => parse(key, &text)
            .map(Some)
            .ok_or_else(|| Error::failed(format!("{file}: unexpected {:?}", text.trim()))),
        None => Ok(None),
    }
}

/// `max`, `1048576`, `50000 100000`, `default 100`.
fn parse(key: Key, text: &str) -> Option<Level> {
    let mut words = text.split_whitespace();
    let first = words.next()?;
    match key {
        Key::CPUQuota if first == "max" => Some(Level::Unlimited),
        Key::CPUQuota => Some(Level::Quota {
            quota: first.parse().ok()?,
            period: words.next()?.parse().ok()?,
        }),
        Key::CPUWeight => first.parse().ok().map(Level::Weight),
        Key::IOWeight => words.next()?.parse().ok().map(Level::Weight),
        Key::OOMPolicy => Some(Level::Group(first == "1")),
        _ if first == "max" => Some(Level::Unlimited),
        Key::TasksMax => first.parse().ok().map(Level::Count),
        _ => first.parse().ok().map(Level::Bytes),
    }
}

/// What the kernel will say once `value` is realized, rounded as systemd and the kernel round (FACTS 9b).
///
/// `None`: the directive is not the kernel's business.
#[must_use]
pub fn expected(key: Key, value: &Value, host: &Host) -> Option<Level> {
    key.kernel_file()?;
    // The share of an image's RAM is known when it boots.
    if host.ram == 0
        && matches!(
            value,
            Value::Memory(Memory::Share(_)) | Value::Tasks(Memory::Share(_))
        )
    {
        return None;
    }
    Some(match value {
        Value::Memory(memory) => memory.resolve(host.ram).map_or(Level::Unlimited, |bytes| {
            Level::Bytes(bytes / host.page * host.page)
        }),
        Value::Tasks(Memory::Bytes(count)) => Level::Count(*count),
        Value::Tasks(Memory::Share(share)) => {
            let scaled = u128::from(host.tasks) * u128::from(*share) / 10_000;
            Level::Count(u64::try_from(scaled).unwrap_or(u64::MAX))
        }
        Value::Tasks(Memory::Infinity) | Value::CpuQuota(CpuQuota(None)) => Level::Unlimited,
        Value::CpuQuota(CpuQuota(Some(share))) => quota(*share),
        Value::Weight(Some(weight)) => Level::Weight(*weight),
        Value::Weight(None) => Level::Idle,
        Value::Word(word) => Level::Group(*word == "kill"),
        Value::Span(_) | Value::Number(_) | Value::Share(_) => return None,
    })
}

/// `CPUQuota=` as systemd writes it: a period of 100 ms, longer if the quota came out under a millisecond.
fn quota(share: u64) -> Level {
    let of = |period: u64| u128::from(period) * u128::from(share) / 10_000;
    let least = u128::from(CPU_QUOTA_LEAST);
    let mut period = CPU_PERIOD;
    if of(period) < least && share > 0 {
        period = (CPU_QUOTA_LEAST * 10_000 / share).min(CPU_PERIOD_MOST);
    }
    Level::Quota {
        quota: u64::try_from(of(period).max(least)).unwrap_or(u64::MAX),
        period,
    }
}

/// What the kernel has where no unit file says anything; `None` where that depends on `system.conf`.
#[must_use]
pub fn unset(key: Key) -> Option<Level> {
    match key {
        Key::MemoryMin | Key::MemoryLow => Some(Level::Bytes(0)),
        Key::MemoryHigh
        | Key::MemoryMax
        | Key::MemorySwapMax
        | Key::MemoryZSwapMax
        | Key::CPUQuota => Some(Level::Unlimited),
        Key::CPUWeight | Key::IOWeight => Some(Level::Weight(WEIGHT_DEFAULT)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Host = Host {
        ram: 1 << 30,
        swap_free: 0,
        page: 4096,
        tasks: 15_595,
    };

    fn after(key: Key, text: &str) -> Level {
        let value = key.parse_value(text).expect(text);
        expected(key, &value, &HOST).expect("a kernel file")
    }

    #[test]
    fn values_round_as_the_kernel_rounds_them() {
        assert_eq!(after(Key::MemoryMax, "1000001"), Level::Bytes(999_424));
        assert_eq!(after(Key::MemoryMin, "1001"), Level::Bytes(0));
        assert_eq!(after(Key::MemoryMax, "50%"), Level::Bytes(1 << 29));
        assert_eq!(after(Key::MemoryMax, "infinity"), Level::Unlimited);
        assert_eq!(after(Key::TasksMax, "10%"), Level::Count(1559));
        let half = Level::Quota {
            quota: 1000,
            period: 200_000,
        };
        assert_eq!(after(Key::CPUQuota, "0.5%"), half);
    }

    #[test]
    fn kernel_files_are_read_by_their_own_form() {
        let read = |key, text: &str| {
            in_force(
                key,
                |file| Ok((file != "cpu.idle").then(|| text.to_owned())),
            )
            .expect(text)
        };
        assert_eq!(read(Key::MemoryMax, "max\n"), Some(Level::Unlimited));
        assert_eq!(read(Key::MemoryMax, "4096\n"), Some(Level::Bytes(4096)));
        assert_eq!(read(Key::CPUQuota, "max 100000\n"), Some(Level::Unlimited));
        let eighty = read(Key::CPUQuota, "80000 100000\n").expect("a quota");
        assert!(eighty.same(after(Key::CPUQuota, "80%")));
        assert_eq!(eighty.to_string(), "80%");
        assert_eq!(
            read(Key::IOWeight, "default 50\n8:0 9\n"),
            Some(Level::Weight(50))
        );
        assert_eq!(read(Key::OOMPolicy, "1\n"), Some(Level::Group(true)));
        assert!(in_force(Key::MemoryMax, |_| Ok(Some("junk".to_owned()))).is_err());
        assert_eq!(in_force(Key::MemoryMax, |_| Ok(None)), Ok(None));
    }
}
