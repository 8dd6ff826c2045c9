//! What comes before a process: volumes, /etc, and the plan of a container's run.

use std::path::PathBuf;

use serde_json::Value;

use super::{Context, Pod};
use crate::node::NodeError;
use crate::node::container::{Input, Mount, Plan, write_etc};
use crate::node::environment::Environment;
use crate::node::images::Image;
use crate::node::volumes::Sources;
use crate::store::object::{items, name, namespace, text};

/// Makes the pod's volumes and its /etc.
pub(super) fn prepare(context: &Context, pod: &Pod) -> Result<Sources, NodeError> {
    let sources = pod.volumes.mount(&context.store, &pod.facts())?;
    let containers = ["/spec/initContainers", "/spec/containers"];
    let containers = containers.into_iter().flat_map(|field| items(&pod.object, field));
    let users: Vec<_> = containers
        .filter_map(|container| {
            let image = Image::find(&context.images, text(container, "/image")).ok()?;
            Some(identity(&pod.object, container, &image))
        })
        .collect();
    let hostname = hostname(&pod.object);
    write_etc(&pod.directory.join("etc"), &hostname, namespace(&pod.object), pod.network.address, &users)?;
    Ok(sources)
}

fn hostname(pod: &Value) -> String {
    let named = text(pod, "/spec/hostname");
    if named.is_empty() { name(pod).to_owned() } else { named.to_owned() }
}

/// The user and group of a container's processes.
fn identity(pod: &Value, container: &Value, image: &Image) -> (u32, u32) {
    let number = |object: &Value, field: &str| {
        let found = object.pointer(&format!("/securityContext/{field}")).and_then(Value::as_u64);
        found.and_then(|id| u32::try_from(id).ok())
    };
    let pod_number = |field: &str| pod.get("spec").and_then(|spec| number(spec, field));
    let user = number(container, "runAsUser").or_else(|| pod_number("runAsUser"));
    // Supplementary groups cannot be mapped without subgids; the file system group is the next best.
    let group = number(container, "runAsGroup").or_else(|| pod_number("runAsGroup"));
    (user.unwrap_or_else(|| image.default_user()), group.or_else(|| pod_number("fsGroup")).unwrap_or(0))
}

/// Everything about a run that follows from the pod.
pub(super) fn plan(
    context: &Context,
    pod: &Pod,
    container: &Value,
    image: &Image,
    sources: &Sources,
    is_init: bool,
) -> Result<Plan, NodeError> {
    let (user, group) = identity(&pod.object, container, image);
    let insists = |object: &Value| object.pointer("/securityContext/runAsNonRoot").and_then(Value::as_bool);
    if user == 0 && insists(container).or_else(|| insists(&pod.object["spec"])) == Some(true) {
        return Err(NodeError::Configuration(
            "container has runAsNonRoot and image will run as root".to_owned(),
        ));
    }
    let environment = Environment::resolve(&context.store, &pod.facts(), container)?;
    let words = |field: &str| {
        let words = container.get(field)?.as_array()?.iter().filter_map(Value::as_str);
        Some(words.map(|word| environment.expand(word)).collect::<Vec<_>>())
    };
    let own_directory = text(container, "/workingDir");
    Ok(Plan {
        name: text(container, "/name").to_owned(),
        command_line: image.command_line(words("command"), words("args")),
        user,
        group,
        working_directory: if own_directory.is_empty() { image.working_directory() } else { own_directory }
            .to_owned(),
        mounts: mounts(container, &environment, sources)?,
        hostname: hostname(&pod.object),
        network: pod.network.clone(),
        etc: pod.directory.join("etc"),
        read_only_root: container.pointer("/securityContext/readOnlyRootFilesystem")
            == Some(&Value::Bool(true)),
        programs: context.programs.of(image, is_init && context.timing.is_fast()),
        input: input(container),
        environment,
    })
}

fn input(container: &Value) -> Input {
    let is_set = |field: &str| container.get(field) == Some(&Value::Bool(true));
    Input { is_open: is_set("stdin"), is_for_one_client: is_set("stdinOnce"), is_terminal: is_set("tty") }
}

fn mounts(container: &Value, environment: &Environment, sources: &Sources) -> Result<Vec<Mount>, NodeError> {
    let mut mounts = Vec::new();
    for mount in items(container, "/volumeMounts") {
        let volume = text(mount, "/name");
        let source = sources.get(volume).ok_or_else(|| {
            NodeError::Configuration(format!("the pod has no volume \"{volume}\" to mount"))
        })?;
        let written = [text(mount, "/subPath"), text(mount, "/subPathExpr")].concat();
        let source = below(source, &environment.expand(&written))?;
        mounts.push(Mount {
            source,
            target: text(mount, "/mountPath").to_owned(),
            read_only: mount.get("readOnly") == Some(&Value::Bool(true)),
        });
    }
    Ok(mounts)
}

/// The part of a volume that a subPath names; a directory that is missing is made.
fn below(volume: &std::path::Path, sub_path: &str) -> Result<PathBuf, NodeError> {
    if sub_path.is_empty() {
        return Ok(volume.to_owned());
    }
    if sub_path.starts_with('/') || sub_path.split('/').any(|part| part == "..") {
        return Err(NodeError::Configuration(format!("subPath \"{sub_path}\" leaves its volume")));
    }
    let path = volume.join(sub_path);
    if !path.exists() {
        std::fs::create_dir_all(&path).map_err(NodeError::file("create the directory", &path))?;
    }
    path.canonicalize().map_err(NodeError::file("resolve", &path))
}
