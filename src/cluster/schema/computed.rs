//! What the resource reports and nobody sets.

use tfplugin_sdk::schema::Attribute;
use tfplugin_sdk::value::Type;

fn string(description: &str) -> Attribute {
    Attribute::string(description).computed()
}

fn strings(description: &str) -> Attribute {
    Attribute::list(Type::String, description).computed()
}

fn number(description: &str) -> Attribute {
    Attribute::number(description).computed()
}

pub(in crate::cluster) fn attributes() -> Vec<(String, Attribute)> {
    let attributes = [
        ("id", string("`NAMESPACE/NAME`.")),
        ("release", release()),
        (
            "objects",
            Attribute::map(
                Type::String,
                "Digest of each Kubernetes object of the release, by `Kind/name`. In a plan the changed ones \
                 are those that apply touches.",
            )
            .computed(),
        ),
        (
            "master_endpoint",
            string(
                "`HOST:PORT` of the live master. It moves with a failover: applications ask the sentinels.",
            ),
        ),
        ("master", master()),
        ("replica_endpoints", strings("`HOST:PORT` of each live replica.")),
        (
            "sentinel_endpoints",
            strings(
                "`HOST:PORT` of each sentinel: stable names, made for clients. The port for TLS where no other is open.",
            ),
        ),
        ("announce_endpoints", strings("`HOST:PORT` of each server, whatever its role: stable names.")),
        ("service_endpoint", string("`HOST:PORT` that answers with any of the servers, for reading.")),
        ("master_group_name", string("Name to ask the sentinels for.")),
        ("auth_secret", auth_secret()),
        ("redis_version", string("Version of the running servers.")),
        ("topology", topology()),
        ("health", health()),
        ("drift", drift()),
    ];
    attributes.into_iter().map(|(name, attribute)| (name.to_owned(), attribute)).collect()
}

fn release() -> Attribute {
    Attribute::single(
        "The Helm release as it is recorded in the cluster.",
        [
            ("revision", number("Number of the present revision.")),
            ("status", string("Helm's status, such as `deployed`.")),
            ("chart_version", string("Version of the chart.")),
            ("app_version", string("Version of Redis that the chart names.")),
        ],
    )
    .computed()
}

fn master() -> Attribute {
    Attribute::single(
        "The live master.",
        [
            ("host", string("Stable name of the master's announce Service.")),
            ("port", number("Port of Redis.")),
            ("pod", string("Name of its pod.")),
        ],
    )
    .computed()
}

fn auth_secret() -> Attribute {
    Attribute::single(
        "Where the password is.",
        [
            ("name", string("Name of the Secret.")),
            ("key", string("Key of the password in it.")),
            ("fingerprint", string("Changes when the password does; tells nothing else about it.")),
        ],
    )
    .computed()
}

fn topology() -> Attribute {
    Attribute::nested_list(
        "Each server as it was at the last refresh.",
        [
            ("pod", string("Name of the pod.")),
            ("role", string("`master`, `replica`, or `unreachable`.")),
            ("endpoint", string("`HOST:PORT` of its announce Service.")),
            ("address", string("IP address of the pod.")),
            ("node", string("Node that the pod runs on.")),
        ],
    )
    .computed()
}

fn health() -> Attribute {
    Attribute::nested_list(
        "What is not as it should be but is not configuration, such as a lost replica. Never causes a change.",
        [
            ("condition", string("Name of the condition.")),
            ("object", string("Where it was seen.")),
            ("message", string("What was seen.")),
        ],
    )
    .computed()
}

fn drift() -> Attribute {
    Attribute::nested_list(
        "Settings that differ from the declared ones somewhere in the cluster. With `repair = \"auto\"` the \
         plan removes the rows, and apply repairs exactly those.",
        [
            ("layer", string("`release`, `kubernetes`, `redis` or `sentinel`.")),
            ("object", string("Pod or object where it was seen.")),
            ("setting", string("Name of the setting.")),
            ("declared", string("Value that it should have.")),
            ("live", string("Value that it has.")),
        ],
    )
    .computed()
}
