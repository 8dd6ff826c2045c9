//! What rendering costs inside a process: `measure chart CHART` prints the least time in ms of a
//! rendering after the first one; `measure loop include|tpl N` that of a template that calls it N times.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use helm::chart::Chart;
use helm::render::{self, Request};
use helm::template::{Environment, TemplateSet, World};
use helm::value::{Map, Value};

type Failure = Box<dyn std::error::Error>;

/// Runs of which the fastest counts: the rest is what else the machine did.
const RUNS: usize = 20;

/// No template that is measured asks for the time or for randomness.
struct Still;

impl World for Still {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let least_ms = match arguments.as_slice() {
        ["chart", path] => measure_chart(&Chart::load(Path::new(path))?)?,
        ["loop", call, count] => measure_loop(call, count.parse()?)?,
        _ => return Err("usage: measure chart CHART | measure loop include|tpl N".into()),
    };
    writeln!(std::io::stdout(), "{least_ms:.2}")?;
    Ok(())
}

/// The least time of some runs, in ms, behind one that is not counted.
fn least_ms(mut run: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    run()?;
    let mut least = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        run()?;
        least = least.min(start.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(least)
}

fn measure_chart(chart: &Chart) -> Result<f64, Failure> {
    let (values, capabilities) = (Map::new(), render::offline_capabilities());
    let request = Request {
        name: "redis-1",
        namespace: "default",
        revision: 1,
        is_upgrade: false,
        values: &values,
        capabilities: &capabilities,
    };
    least_ms(|| {
        render::render(chart, &request, &Still)?;
        Ok(())
    })
}

fn measure_loop(call: &str, count: usize) -> Result<f64, Failure> {
    let body = match call {
        "include" => "{{ include \"line\" $ }}",
        "tpl" => "{{ tpl $.text $ }}",
        other => return Err(format!("{other:?} is neither include nor tpl").into()),
    };
    let mut set = TemplateSet::new();
    let define = "{{ define \"line\" }}name: {{ .name | quote }}\n{{ end }}";
    set.parse("loop", &format!("{define}{{{{ range until {count} }}}}{body}{{{{ end }}}}"))?;
    let data = Map::new();
    data.insert("name", "a");
    data.insert("text", "name: {{ .name | quote }}\n");
    let data = Value::Map(data);
    least_ms(|| {
        set.render("loop", &data, &Environment::new(&Still))?;
        Ok(())
    })
}
