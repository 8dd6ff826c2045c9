//! A state in words, for whoever reads a plan: what drifted, what apply will do about it in which
//! order, and what clients will notice. Pure.

use tfplugin_sdk::{Attr, Diagnostic, Diagnostics};

use super::claims;
use super::drift::PARTITION;
use super::model::{DriftRow, Model};
use crate::sentinel::drift::EARLIER;
use crate::sentinel::repairs::is_settable;

/// How a row is cured, in the order in which apply does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cure {
    RestoreSecret,
    GrowVolume,
    FinishRelease,
    /// An object of the release that is no StatefulSet.
    ApplyObject,
    ApplyStatefulSet,
    ResumeRollout,
    SetPassword,
    Rotate,
    Restart,
    ElectMaster,
    DemoteSecondMaster,
    Follow,
    MonitorAnew,
    SetSentinel,
    SetServer,
    ResetSentinel,
}

impl Cure {
    /// By the row alone.
    pub fn of(row: &DriftRow) -> Self {
        let text = |attribute: &Attr<String>| attribute.as_str().unwrap_or_default().to_owned();
        let (layer, object, setting) = (text(&row.layer), text(&row.object), text(&row.setting));
        let name = setting.split(' ').next().unwrap_or_default();
        match (layer.as_str(), name) {
            ("release", _) => Self::FinishRelease,
            ("kubernetes", PARTITION) => Self::ResumeRollout,
            ("kubernetes", _) if object.starts_with("StatefulSet/") => Self::ApplyStatefulSet,
            ("kubernetes", "object") if object.starts_with("Secret/") => Self::RestoreSecret,
            ("kubernetes", claims::SIZE) => Self::GrowVolume,
            ("kubernetes", _) => Self::ApplyObject,
            ("sentinel", "monitor") => Self::MonitorAnew,
            ("sentinel", "known-replica" | "known-sentinel") => Self::ResetSentinel,
            ("sentinel", "auth-pass") => Self::SetPassword,
            ("sentinel", _) => Self::SetSentinel,
            (_, "master") => Self::ElectMaster,
            (_, "role") => Self::DemoteSecondMaster,
            (_, "replicaof") => Self::Follow,
            (_, "requirepass") if row.live.as_str() == Some(EARLIER) => Self::Rotate,
            // A server that does not take our password cannot be told a new one.
            (_, "requirepass")
                if row.live.as_str().is_some_and(|live| live.contains("user without rights")) =>
            {
                Self::Restart
            }
            (_, "requirepass" | "masterauth" | "user") => Self::SetPassword,
            (_, "rename-command" | "replica-announce-ip") => Self::Restart,
            (_, name) if !is_settable(name) => Self::Restart,
            _ => Self::SetServer,
        }
    }

    /// Whether pods or roles may be others afterwards.
    pub fn moves_outputs(self) -> bool {
        !matches!(
            self,
            Self::SetSentinel
                | Self::SetServer
                | Self::SetPassword
                | Self::ResetSentinel
                | Self::ApplyObject
                | Self::GrowVolume
        )
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::RestoreSecret => {
                "make the Secret anew with the password that the pods still have. Clients notice nothing."
            }
            Self::GrowVolume => {
                "ask for volumes of the declared size, which their StorageClass has to allow. No pod restarts."
            }
            Self::FinishRelease => "upgrade the release again, so that its record says what is there.",
            Self::ApplyObject => "apply the objects again as the release declares them. No pod restarts.",
            Self::ApplyStatefulSet => {
                "apply the StatefulSet again. Where its pods differ they are replaced one at a time, the master \
                 last, after a failover that loses no acknowledged write: clients reconnect once."
            }
            Self::ResumeRollout => {
                "go on with a rollout that was interrupted: pods are replaced one at a time, the master last, \
                 after a failover that loses no acknowledged write. Clients reconnect once."
            }
            Self::SetPassword => {
                "set passwords and rights while the processes run. Open connections stay; whoever uses another \
                 password is refused from then on."
            }
            Self::Rotate => {
                "move the servers to the password that the Secret has now: each takes both, then replicas and \
                 sentinels give the new one, then the pods restart one at a time, the master last and by a \
                 failover that loses no acknowledged write. A client reconnects once, and needs the new password \
                 from then on."
            }
            Self::Restart => {
                "restart the pods one at a time, since the servers take this only when they start. If one is the \
                 master and can be asked, another takes over first without loss; else the sentinels elect one, \
                 and writes that no replica had yet are lost. Clients reconnect once."
            }
            Self::ElectMaster => {
                "make the server that has most the master, and have the others and the sentinels follow. Writes, \
                 which are refused now, go on then."
            }
            Self::DemoteSecondMaster => {
                "make the second master a replica of the one that the sentinels name. What clients wrote to the \
                 second one alone is discarded."
            }
            Self::Follow => "lead the replicas back to the master. They copy its data anew if they have to.",
            Self::MonitorAnew => {
                "have the sentinels meet the group anew, one at a time. A client that asks just this one gets an \
                 error for a moment, and asks the next."
            }
            Self::SetSentinel => "set the sentinels' settings while they run. Clients notice nothing.",
            Self::SetServer => {
                "set the servers' settings while they run, replicas first. Clients notice nothing but the settings."
            }
            Self::ResetSentinel => {
                "reset the sentinels that remember what is gone, one at a time and 30 s apart, only while the \
                 group is well. Clients notice nothing."
            }
        }
    }
}

const ROWS_SHOWN_MAX: usize = 20;

/// What a reviewer should know and the plan's own lines do not say.
pub fn explain(state: &Model, unjudged: &[String]) -> Diagnostics {
    let mut found = Diagnostics::none();
    let name = state.name.as_str().unwrap_or_default();
    let rows: Vec<_> = state.drift.known().into_iter().flatten().filter_map(Attr::known).collect();
    if !rows.is_empty() {
        found.push(drift(name, &rows, state.repair.as_str() == Some("report")));
    }
    if !unjudged.is_empty() {
        found.warning(
            format!("{name} is changing by itself"),
            format!(
                "{}.\nServers and sentinels are compared with what is declared by the next plan.",
                unjudged.join(".\n")
            ),
        );
    }
    let health: Vec<_> = state.health.known().into_iter().flatten().filter_map(Attr::known).collect();
    if !health.is_empty() {
        let lines: Vec<_> = health
            .iter()
            .map(|condition| condition.message.as_str().unwrap_or_default().trim_end_matches(['.', ';']))
            .collect();
        let detail = format!(
            "{}.\nThis is the state of running processes, not configuration: it changes nothing in the plan.",
            lines.join(".\n")
        );
        found.warning(format!("{name} is not well"), detail);
    }
    found
}

fn drift(name: &str, rows: &[&DriftRow], is_reported_only: bool) -> Diagnostic {
    let text = |attribute: &Attr<String>| attribute.as_str().unwrap_or_default().to_owned();
    let line = |row: &&DriftRow| {
        let (object, setting) = (text(&row.object), text(&row.setting));
        let [live, declared] = [&row.live, &row.declared].map(|value| match value.as_str() {
            None | Some("") => "\"\"",
            Some(text) => text,
        });
        format!("  {object}: {setting} is {live}, declared {declared}")
    };
    let mut lines: Vec<_> = rows.iter().take(ROWS_SHOWN_MAX).map(line).collect();
    if rows.len() > ROWS_SHOWN_MAX {
        lines.push(format!("  and {} more, in the attribute drift", rows.len() - ROWS_SHOWN_MAX));
    }
    if is_reported_only {
        lines.push(
            "`repair` is \"report\": apply changes none of it. Set repair = \"auto\" to have it repaired."
                .into(),
        );
        return Diagnostic::warning(format!("{} of {name} drifted", settings(rows.len())), lines.join("\n"));
    }
    let mut cures: Vec<_> = rows.iter().map(|row| Cure::of(row)).collect();
    cures.sort_unstable();
    cures.dedup();
    lines.push("Apply will, in this order:".into());
    lines.extend(
        cures.iter().enumerate().map(|(index, cure)| format!("  {}. {}", index + 1, cure.sentence())),
    );
    Diagnostic::warning(format!("{} of {name} drifted", settings(rows.len())), lines.join("\n"))
}

fn settings(count: usize) -> String {
    if count == 1 { "1 setting".into() } else { format!("{count} settings") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::model::Condition;

    fn row(layer: &str, object: &str, setting: &str, live: &str) -> Attr<DriftRow> {
        Attr::Known(DriftRow {
            layer: layer.into(),
            object: object.into(),
            setting: setting.into(),
            declared: "2".into(),
            live: live.into(),
        })
    }

    fn state(repair: &str, rows: Vec<Attr<DriftRow>>) -> Model {
        Model { name: "redis-1".into(), repair: repair.into(), drift: Attr::Known(rows), ..Model::default() }
    }

    #[test]
    fn tells_each_row_and_then_what_apply_does_in_its_order() {
        let rows = vec![
            row("sentinel", "server-1", "quorum", "1"),
            row("sentinel", "server-2", "quorum", "3"),
            row("kubernetes", "Service/announce-0", "spec.type", "NodePort"),
        ];
        let told = explain(&state("auto", rows), &[]);
        let warning = told.iter().next().expect("a warning");
        assert_eq!(warning.summary, "3 settings of redis-1 drifted");
        let lines: Vec<_> = warning.detail.lines().collect();
        assert_eq!(lines[0], "  server-1: quorum is 1, declared 2");
        assert!(lines[4].starts_with("  1. apply the objects again"), "{lines:?}");
        assert!(lines[5].starts_with("  2. set the sentinels' settings"), "{lines:?}");
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn a_reason_that_is_a_sentence_ends_once() {
        let condition = |message: &str| {
            let text = message.to_owned();
            Attr::Known(Condition { message: text.into(), ..Condition::default() })
        };
        let health =
            Attr::Known(vec![condition("it is refused: Authentication required."), condition("it is down")]);
        let told = explain(&Model { health, ..state("auto", Vec::new()) }, &[]);
        let warning = told.iter().next().expect("a warning");
        assert!(
            warning.detail.starts_with("it is refused: Authentication required.\nit is down.\n"),
            "{}",
            warning.detail
        );
    }

    #[test]
    fn only_reports_where_the_user_wants_it_so() {
        let told = explain(&state("report", vec![row("redis", "server-1", "maxmemory", "1")]), &[]);
        let warning = told.iter().next().expect("a warning");
        assert!(
            warning.detail.contains("apply changes none of it") && !warning.detail.contains("Apply will")
        );
    }

    #[test]
    fn cures_follow_from_the_row() {
        let table = [
            ("redis", "mymaster", "master", "none", Cure::ElectMaster),
            ("redis", "p", "role", "master", Cure::DemoteSecondMaster),
            ("redis", "p", "requirepass", "no password", Cure::SetPassword),
            ("redis", "p", "requirepass", "another password, or a user without rights", Cure::Restart),
            ("redis", "p", "requirepass", EARLIER, Cure::Rotate),
            ("redis", "p", "databases", "16", Cure::Restart),
            ("redis", "p", "maxmemory", "1", Cure::SetServer),
            ("sentinel", "p", "known-replica 10.0.0.9:6379", "down", Cure::ResetSentinel),
            ("kubernetes", "StatefulSet/s", PARTITION, "1", Cure::ResumeRollout),
            ("kubernetes", "PersistentVolumeClaim/data-s-0", claims::SIZE, "5Gi", Cure::GrowVolume),
            ("kubernetes", "Secret/s", "object", "absent", Cure::RestoreSecret),
            ("release", "revision 3", "status", "failed", Cure::FinishRelease),
        ];
        for (layer, object, setting, live, cure) in table {
            let row = row(layer, object, setting, live);
            assert_eq!(Cure::of(row.known().expect("a row")), cure, "{setting}");
        }
    }
}
