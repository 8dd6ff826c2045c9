//! Who may ask a server what: its default user and its passwords, compared and not kept.

use redis::Value;
use sha2::{Digest, Sha256};

use super::credentials::Password;
use super::observation::PasswordState;
use super::replies::{Parsed, shape, text};

/// The default user as ACL GETUSER tells it, less the digests of its passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DefaultUser {
    pub password: PasswordState,
    /// Its rules, unless it may do everything.
    pub restricted: Option<String>,
}

/// What a password is, beside ours.
pub(super) fn compare(live: &str, ours: Option<&Password>) -> PasswordState {
    match ours {
        _ if live.is_empty() => PasswordState::None,
        Some(ours) if ours.expose() == live => PasswordState::Ours,
        _ => PasswordState::Other,
    }
}

/// Reads ACL GETUSER. Redis keeps the sha256 of each password, in hex.
pub(super) fn default_user(value: &Value, ours: Option<&Password>) -> Parsed<DefaultUser> {
    let field = |name: &str| field(value, name);
    let flags = field("flags").ok_or_else(|| format!("wanted a user, got {}", shape(value)))?;
    let has = |flag: &str| flags.split(' ').any(|own| own == flag);
    let digests = field("passwords").unwrap_or_default();
    let digest = ours.map(|ours| hex(&Sha256::digest(ours.expose().as_bytes())));
    let listed: Vec<_> = digests.split(' ').filter(|one| !one.is_empty()).collect();
    let password = match digest {
        _ if has("nopass") => PasswordState::None,
        Some(ours) if listed == [ours.as_str()] => PasswordState::Ours,
        Some(ours) if listed.contains(&ours.as_str()) => PasswordState::Several,
        _ => PasswordState::Other,
    };
    let (commands, keys) = (field("commands").unwrap_or_default(), field("keys").unwrap_or_default());
    let everything = has("on") && commands == "+@all" && ["~*", "*"].contains(&keys.as_str());
    let on = if has("on") { "on" } else { "off" };
    Ok(DefaultUser { password, restricted: (!everything).then(|| format!("{on} {keys} {commands}")) })
}

/// One field; a list of texts comes joined by blanks (Redis 6 lists what Redis 7 joins).
fn field(user: &Value, name: &str) -> Option<String> {
    let joined = |value: &Value| match value {
        Value::Array(items) => items.iter().filter_map(text).collect::<Vec<_>>().join(" "),
        other => text(other).unwrap_or_default(),
    };
    match user {
        Value::Array(items) => {
            let mut pairs = items.chunks_exact(2);
            pairs.find(|pair| text(&pair[0]).as_deref() == Some(name)).map(|pair| joined(&pair[1]))
        }
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn user(flags: &[&str], passwords: &[&str], commands: &str, keys: Value) -> Value {
        let list = |items: &[&str]| Value::Array(items.iter().map(|item| bulk(item)).collect());
        let digests: Vec<_> = passwords.iter().map(|one| hex(&Sha256::digest(one.as_bytes()))).collect();
        let digests: Vec<_> = digests.iter().map(String::as_str).collect();
        Value::Array(vec![
            bulk("flags"),
            list(flags),
            bulk("passwords"),
            list(&digests),
            bulk("commands"),
            bulk(commands),
            bulk("keys"),
            keys,
        ])
    }

    #[test]
    fn passwords_are_told_apart_by_their_digests() {
        let ours = Password::new("ours");
        let all = || bulk("~*");
        let cases = [
            (user(&["on"], &["ours"], "+@all", all()), PasswordState::Ours),
            (user(&["on"], &["other"], "+@all", all()), PasswordState::Other),
            (user(&["on"], &["other", "ours"], "+@all", all()), PasswordState::Several),
            (user(&["on", "nopass"], &[], "+@all", all()), PasswordState::None),
        ];
        for (reply, wanted) in cases {
            assert_eq!(default_user(&reply, Some(&ours)).expect("a user").password, wanted);
        }
        assert_eq!(compare("", Some(&ours)), PasswordState::None);
        assert_eq!(compare("ours", Some(&ours)), PasswordState::Ours);
        assert_eq!(compare("ours", None), PasswordState::Other);
    }

    #[test]
    fn a_default_user_that_may_not_do_everything_is_told_with_its_rules() {
        let cases = [
            (user(&["on"], &[], "+@all", bulk("~*")), None),
            (user(&["on"], &[], "+@all", Value::Array(vec![bulk("*")])), None),
            (user(&["off"], &[], "+@all", bulk("~*")), Some("off ~* +@all")),
            (user(&["on"], &[], "+@all -set", bulk("~*")), Some("on ~* +@all -set")),
        ];
        for (reply, wanted) in cases {
            assert_eq!(default_user(&reply, None).expect("a user").restricted.as_deref(), wanted);
        }
        assert!(default_user(&bulk("no user"), None).is_err());
    }
}
