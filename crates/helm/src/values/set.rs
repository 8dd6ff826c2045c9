//! The arguments of `--set`: `a.b=1,c[0].d=x,e={1,2}`.

use std::iter::Peekable;
use std::str::Chars;

use super::ValuesError;
use crate::value::{Map, Value};

/// The largest index in `a[65536]=`. Helm's limit.
const INDEX_MAX: usize = 65_536;
/// The deepest `a.b.c…`. Helm's limit.
const DEPTH_MAX: usize = 30;

/// Sets in `values` what the argument says. Whole numbers become `int64`, `true`, `false` and
/// `null` what they say, everything else text; a backslash makes the next character ordinary.
///
/// # Errors
/// The argument is malformed, or walks through something that is no map or list. What stood
/// before the fault is set.
pub fn parse_set_into(argument: &str, values: &Map) -> Result<(), ValuesError> {
    let mut parser = Parser { rest: argument.chars().peekable() };
    while parser.rest.peek().is_some() {
        parser.key(values, 0).map_err(|reason| ValuesError::Set { argument: argument.to_owned(), reason })?;
    }
    Ok(())
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Parser<'_> {
    /// The text up to a stop character, which is consumed; `None` for the end.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(c) = self.rest.next() {
            match c {
                c if stops.contains(&c) => return (text, Some(c)),
                '\\' => text.extend(self.rest.next()),
                c => text.push(c),
            }
        }
        (text, None)
    }

    fn key(&mut self, into: &Map, depth: usize) -> Result<(), String> {
        let (key, stop) = self.until(&['=', '[', ',', '.']);
        match stop {
            Some('=') => {
                let value = self.value()?;
                insert(into, key, value);
                Ok(())
            }
            Some('[') => {
                let index = self.index()?;
                let list = match into.get(&key) {
                    None => Vec::new(),
                    Some(Value::List(list)) => list.iter().cloned().collect(),
                    Some(other) => return Err(format!("{key} is {}, not a list", other.noun())),
                };
                let list = self.item(list, index, depth)?;
                insert(into, key, Value::list(list));
                Ok(())
            }
            Some('.') => {
                if depth >= DEPTH_MAX {
                    return Err(format!("names are nested deeper than {DEPTH_MAX} levels"));
                }
                let inner = match into.get(&key) {
                    None => Map::new(),
                    Some(Value::Map(inner)) => inner,
                    Some(other) => return Err(format!("{key} is {}, not a map", other.noun())),
                };
                self.key(&inner, depth + 1)?;
                insert(into, key, inner.into());
                Ok(())
            }
            _ => Err(format!("key {key:?} has no value")),
        }
    }

    fn index(&mut self) -> Result<usize, String> {
        let (text, _) = self.until(&[']']);
        let index: usize = text.parse().map_err(|_| format!("{text:?} is no index"))?;
        if index > INDEX_MAX {
            return Err(format!("index {index} is greater than {INDEX_MAX}"));
        }
        Ok(index)
    }

    /// What follows `[index]`.
    fn item(&mut self, mut list: Vec<Value>, index: usize, depth: usize) -> Result<Vec<Value>, String> {
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return Err(format!("unexpected {text:?} after an index"));
        }
        if list.len() <= index {
            list.resize(index + 1, Value::Nil);
        }
        list[index] = match stop {
            Some('=') => self.value()?,
            Some('[') => {
                let inner_index = self.index()?;
                let inner = match &list[index] {
                    Value::List(inner) => inner.iter().cloned().collect(),
                    _ => Vec::new(),
                };
                if depth >= DEPTH_MAX {
                    return Err(format!("lists are nested deeper than {DEPTH_MAX} levels"));
                }
                Value::list(self.item(inner, inner_index, depth + 1)?)
            }
            Some('.') => {
                let inner = match &list[index] {
                    Value::Map(inner) => inner.clone(),
                    _ => Map::new(),
                };
                self.key(&inner, depth + 1)?;
                inner.into()
            }
            _ => return Err("an index without a value".to_owned()),
        };
        Ok(list)
    }

    fn value(&mut self) -> Result<Value, String> {
        if self.rest.next_if_eq(&'{').is_none() {
            return Ok(typed(&self.until(&[',']).0));
        }
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                Some(',') => items.push(typed(&text)),
                Some(_) => {
                    items.push(typed(&text));
                    self.rest.next_if_eq(&',');
                    return Ok(Value::list(items));
                }
                None => return Err("list must terminate with '}'".to_owned()),
            }
        }
    }
}

fn insert(into: &Map, key: String, value: Value) {
    if !key.is_empty() {
        into.insert(key, value);
    }
}

/// A leading zero makes a number text, so that `0777` stays what it is.
fn typed(text: &str) -> Value {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        "null" => return Value::Nil,
        "0" => return Value::Int64(0),
        _ => {}
    }
    match text.parse() {
        Ok(number) if !text.starts_with('0') => Value::Int64(number),
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_set_into;
    use crate::value::{Map, Value};

    fn check(argument: &str, expected: &str) {
        let values = Map::new();
        parse_set_into(argument, &values).expect("a good argument");
        let json = Value::from(values).to_json().expect("plain values");
        assert_eq!(json.to_string(), expected, "{argument}");
    }

    #[test]
    fn sets_what_helm_sets() {
        check("a=1,b=x", r#"{"a":1,"b":"x"}"#);
        check("a.b.c=true", r#"{"a":{"b":{"c":true}}}"#);
        check("a={1,b,}", r#"{"a":[1,"b",""]}"#);
        check("a[1]=x", r#"{"a":[null,"x"]}"#);
        check("a[0].b=1,a[0].c=2", r#"{"a":[{"b":1,"c":2}]}"#);
        check("a[0][1]=1", r#"{"a":[[null,1]]}"#);
        check("a=0777,b=0,c=-1", r#"{"a":"0777","b":0,"c":-1}"#);
        check("a=null,b=", r#"{"a":null,"b":""}"#);
        check(r"a\.b=1,c=x\,y", r#"{"a.b":1,"c":"x,y"}"#);
        check("", "{}");
    }

    #[test]
    fn numbers_of_the_command_line_are_whole() {
        let values = Map::new();
        parse_set_into("a=1", &values).expect("a good argument");
        assert_eq!(values.get("a"), Some(Value::Int64(1)));
    }

    #[test]
    fn refuses_what_helm_refuses() {
        for bad in ["a", "a,b=1", "a[x]=1", "a[99999]=1", "a={1", "a=1,a.b=2"] {
            assert!(parse_set_into(bad, &Map::new()).is_err(), "{bad}");
        }
    }
}
