//! URLs, taken apart and put together as Go's `net/url` does.

use super::encoding::percent_decode;
use super::{Answer, Function, FunctionError, MAP, STRING, fixed, string, text_of};
use crate::template::format::quote;
use crate::value::{Map, Value};

pub(super) const TABLE: &[Function] = &[
    fixed("urlParse", &[STRING], |arguments| {
        let text = text_of(&arguments[0]);
        let url = Url::parse(text).map_err(|error| {
            FunctionError::from(format!("unable to parse url: parse {}: {error}", quote(text)))
        })?;
        Ok(Value::Map(url.to_map()))
    }),
    fixed("urlJoin", &[MAP], join),
];

/// What a part of a URL may hold without being escaped, beside letters and digits.
const PATH: &str = "-_.~$&+,/:;=@";
const USER: &str = "-_.~$&+,;=";
const HOST: &str = "-_.~!$&'()*+,;=:[]<>\"";
const FRAGMENT: &str = "-_.~$&+,/:;=?@!()*";

#[derive(Debug, Default)]
struct Url {
    scheme: String,
    opaque: String,
    user: Option<(String, Option<String>)>,
    host: String,
    path: String,
    query: String,
    fragment: String,
}

impl Url {
    fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(|c| c.is_ascii_control()) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        url.fragment = percent_decode(fragment, false)?;
        let (scheme, rest) = split_scheme(rest)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        query.clone_into(&mut url.query);
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        if let Some(after) = rest.strip_prefix("//")
            && (!url.scheme.is_empty() || !rest.starts_with("///"))
        {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            url.set_authority(authority)?;
            rest = path;
        }
        url.path = percent_decode(rest, false)?;
        Ok(url)
    }

    fn set_authority(&mut self, authority: &str) -> Result<(), String> {
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        self.host = parse_host(host)?;
        if let Some(user) = user {
            let is_valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
            if !user.chars().all(is_valid) {
                return Err("net/url: invalid userinfo".to_owned());
            }
            let (name, password) = match user.split_once(':') {
                Some((name, password)) => (name, Some(percent_decode(password, false)?)),
                None => (user, None),
            };
            self.user = Some((percent_decode(name, false)?, password));
        }
        Ok(())
    }

    fn user_text(&self) -> String {
        match &self.user {
            None => String::new(),
            Some((name, None)) => escape(name, USER),
            Some((name, Some(password))) => format!("{}:{}", escape(name, USER), escape(password, USER)),
        }
    }

    fn host_name(&self) -> &str {
        if let Some((inside, _)) = self.host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            return inside;
        }
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }

    fn to_map(&self) -> Map {
        let map = Map::new();
        let entries = [
            ("scheme", self.scheme.as_str()),
            ("host", &self.host),
            ("hostname", self.host_name()),
            ("path", &self.path),
            ("query", &self.query),
            ("opaque", &self.opaque),
            ("fragment", &self.fragment),
            ("userinfo", &self.user_text()),
        ];
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }

    fn text(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&format!("{}:", self.scheme));
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    out.push_str("//");
                }
                if self.user.is_some() {
                    out.push_str(&format!("{}@", self.user_text()));
                }
                out.push_str(&escape(&self.host, HOST));
            }
            let path = escape(&self.path, PATH);
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            // Without it, `a:b` would read as a scheme.
            if out.is_empty() && path.split('/').next().is_some_and(|segment| segment.contains(':')) {
                out.push_str("./");
            }
            out.push_str(&path);
        } else {
            out.push_str(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push_str(&format!("?{}", self.query));
        }
        if !self.fragment.is_empty() {
            out.push_str(&format!("#{}", escape(&self.fragment, FRAGMENT)));
        }
        out
    }
}

/// `scheme:rest`; a text without a scheme is all rest.
fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (index, character) in text.char_indices() {
        match character {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if index > 0 => {}
            ':' if index == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((&text[..index], &text[index + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn parse_host(host: &str) -> Result<String, String> {
    let port = if host.starts_with('[') {
        let end = host.rfind(']').ok_or("missing ']' in host")?;
        &host[end + 1..]
    } else {
        host.rfind(':').map_or("", |colon| &host[colon..])
    };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    if !is_port {
        return Err(format!("invalid port {} after host", quote(port)));
    }
    if let Some(wrong) =
        host.chars().find(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && *c != '%' && !HOST.contains(*c))
    {
        return Err(format!("invalid character {} in host name", quote(&wrong.to_string())));
    }
    percent_decode(host, true)
}

fn escape(text: &str, allowed: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || (byte.is_ascii() && allowed.contains(char::from(byte))) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn join(arguments: &[Value]) -> Answer {
    let map = arguments[0].as_map().cloned().unwrap_or_default();
    let part = |key: &str| match map.get(key) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.to_string()),
        Some(other) => Err(FunctionError::from(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.kind_name()
        ))),
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let user = part("userinfo")?;
    if !user.is_empty() {
        let parsed = Url::parse(&format!("proto://{user}@host"));
        url.user = parsed.map_err(|error| format!("unable to parse userinfo in dict: {error}"))?.user;
    }
    string(url.text())
}
