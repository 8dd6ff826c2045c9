//! Helm's own: `include`, `tpl`, `required`, `fail`, `lookup`.

use super::{ANY, Function, FunctionError, STRING, fixed, hosted, string, text_of};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    hosted("include", &[STRING, ANY], None, |host, arguments| {
        host.include(text_of(&arguments[0]), &arguments[1])
    }),
    hosted("tpl", &[STRING, ANY], None, |host, arguments| host.tpl(text_of(&arguments[0]), &arguments[1])),
    fixed("required", &[STRING, ANY], |arguments| match &arguments[1] {
        Value::Nil => Err(FunctionError::Refused(text_of(&arguments[0]).to_owned())),
        Value::String(text) if text.is_empty() => {
            Err(FunctionError::Refused(text_of(&arguments[0]).to_owned()))
        }
        present => Ok(present.clone()),
    }),
    fixed("fail", &[STRING], |arguments| Err(FunctionError::Refused(text_of(&arguments[0]).to_owned()))),
    hosted("lookup", &[STRING, STRING, STRING, STRING], None, |host, arguments| {
        let [api_version, kind, namespace, name] = [0, 1, 2, 3].map(|index| text_of(&arguments[index]));
        host.world().lookup(api_version, kind, namespace, name).map_err(FunctionError::from)
    }),
    // Helm answers nothing unless DNS is enabled, so that rendering does not depend on the network.
    fixed("getHostByName", &[STRING], |_| string("")),
];
