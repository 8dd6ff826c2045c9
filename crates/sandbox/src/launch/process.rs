//! Naming a process so that a later one with the same number is not taken for it.

use std::fs;

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use super::LaunchError;

/// A process number and the time that process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    pub pid: i32,
    /// Clock ticks since boot, field 22 of /proc/PID/stat.
    pub started_ticks: u64,
}

impl ProcessIdentity {
    /// The process with this number, if one runs. A zombie does not.
    pub fn observe(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields = parse_stat(&stat)?;
        (fields.state != "Z").then_some(Self { pid, started_ticks: fields.started_ticks })
    }

    pub fn is_alive(&self) -> bool {
        Self::observe(self.pid) == Some(*self)
    }

    /// Sends a signal if the process is still the same one.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), LaunchError> {
        let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) else { return Ok(()) };
        match rustix::process::kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(LaunchError::Signal { pid: self.pid, source: errno.into() }),
        }
    }
}

struct StatFields<'a> {
    state: &'a str,
    parent: i32,
    started_ticks: u64,
}

/// The command stands in parentheses and may hold anything, so fields are counted from the last one.
fn parse_stat(stat: &str) -> Option<StatFields<'_>> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    Some(StatFields {
        state: fields.first()?,
        parent: fields.get(1)?.parse().ok()?,
        started_ticks: fields.get(19)?.parse().ok()?,
    })
}

/// The first child of a process, by /proc.
pub fn child_of(parent: i32) -> Option<i32> {
    let entries = fs::read_dir("/proc").ok()?;
    entries.filter_map(Result::ok).find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        (parse_stat(&stat)?.parent == parent).then_some(pid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_command_with_parentheses_and_spaces() {
        let numbers: Vec<_> = (4..=30).map(|field| field.to_string()).collect();
        let stat = format!("7 (a) b (c) S {}", numbers.join(" "));
        let fields = parse_stat(&stat).expect("a line of /proc/PID/stat");
        assert_eq!((fields.state, fields.parent, fields.started_ticks), ("S", 4, 22));
    }

    #[test]
    fn knows_itself_and_not_a_process_of_another_time() {
        let own = i32::try_from(std::process::id()).expect("a process number");
        let identity = ProcessIdentity::observe(own).expect("this process runs");
        assert!(identity.is_alive());
        assert!(!ProcessIdentity { started_ticks: identity.started_ticks + 1, ..identity }.is_alive());
    }
}
