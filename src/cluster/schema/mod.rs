//! The schema of `redis_ha_cluster`, as data: what may be set and what is reported.
//! The registry's page is written from it. `model` is the same shape as Rust types.

pub(super) mod computed;
mod node_pool;

use tfplugin_sdk::schema::{Attribute, Schema};
use tfplugin_sdk::value::Type;

/// The whole schema of the resource.
pub fn cluster_schema() -> Schema {
    let mut schema = Schema::new(
        "Redis with automatic failover on GKE: a node pool, the redis-ha chart (Redis servers, each with a \
         Sentinel), the password's Secret, and where the master is. The plan compares all of it with what is \
         really running, down to each sentinel; apply repairs what drifted.",
        settable_attributes(),
    );
    schema.attributes.extend(computed::attributes());
    schema
}

/// What a user may leave out, and state then tells all the same.
fn settable(attribute: Attribute) -> Attribute {
    attribute.optional().computed()
}

fn settable_attributes() -> Vec<(String, Attribute)> {
    let attributes = [
        ("name", Attribute::string("Name of the Helm release.").required().replaces()),
        (
            "namespace",
            settable(Attribute::string("Namespace of the release.")).default("`default`").replaces(),
        ),
        (
            "create_namespace",
            settable(Attribute::bool(
                "Whether to create the namespace when it does not exist. One that was created here is deleted \
                 with the cluster, unless something else lives in it.",
            ))
            .default("`true`"),
        ),
        ("gke", node_pool::gke()),
        ("chart", chart()),
        (
            "values",
            settable(Attribute::list(
                Type::String,
                "Helm values, each a YAML document; later ones win, as with `helm -f`. A typed attribute that \
                 contradicts them is an error. When left out, an imported release keeps its own.",
            ))
            .default("`[]`"),
        ),
        (
            "replicas",
            settable(Attribute::number("Redis servers, each with a Sentinel beside it.")).default("`3`"),
        ),
        ("image", image()),
        ("redis", redis()),
        ("sentinel", sentinel()),
        ("auth", auth()),
        (
            "password_wo",
            Attribute::string(
                "Password to use instead of a generated one: 16 or more of `A-Z a-z 0-9 _ . -`. It is written \
                 to the Secret and kept in no plan and no state.",
            )
            .optional()
            .sensitive()
            .write_only(),
        ),
        (
            "password_wo_version",
            Attribute::number("Version of `password_wo`, of your choosing. Required with it.").optional(),
        ),
        ("persistence", persistence()),
        (
            "repair",
            settable(Attribute::string(
                "`auto`: apply repairs the drift that the plan shows. `report`: drift is shown and warned of, \
                 never changed.",
            ))
            .default("`auto`"),
        ),
        ("timeouts", timeouts()),
        (
            "deletion_protection",
            settable(Attribute::bool("Whether destroying the cluster is refused.")).default("`false`"),
        ),
    ];
    attributes.into_iter().map(|(name, attribute)| (name.to_owned(), attribute)).collect()
}

fn chart() -> Attribute {
    settable(Attribute::single(
        "The chart to install. When left out, a new cluster gets the one that comes with the provider, and an \
         existing one keeps the chart that it has.",
        [
            (
                "repository",
                settable(Attribute::string(
                    "Address of a chart repository, `https://…`, or of a place in an OCI registry, `oci://…`. \
                     Credentials and certificates are those that the `helm` command was told of, by \
                     `helm repo add` or `helm registry login`.",
                )),
            ),
            (
                "name",
                settable(Attribute::string(
                    "`bundled`: the chart that comes with the provider. `recorded`: the chart that the release \
                     has, as its record holds it; an imported cluster has this. Else the path of a redis-ha \
                     chart, a directory or a `.tgz`; its name in `repository`; or its whole reference, \
                     `oci://HOST/PATH/NAME`.",
                ))
                .default("`bundled` for a new cluster"),
            ),
            (
                "version",
                settable(Attribute::string(
                    "Version of the chart, in full, such as `4.39.0`. A repository or registry needs one; else it is \
                     that of the chart at hand.",
                )),
            ),
        ],
    ))
}

fn image() -> Attribute {
    settable(Attribute::single(
        "Image of Redis and Sentinel. Redis 6.2 or later with the bundled chart.",
        [
            ("repository", settable(Attribute::string("Repository of the image."))),
            ("tag", settable(Attribute::string("Tag of the image."))),
            ("pull_policy", settable(Attribute::string("`Always`, `IfNotPresent` or `Never`."))),
        ],
    ))
}

fn redis() -> Attribute {
    settable(Attribute::single(
        "The Redis servers.",
        [(
            "config",
            settable(Attribute::map(
                Type::String,
                "Settings of `redis.conf`. Those that Redis can change while it runs are set on each server \
                 without a restart; each server is checked for them at every plan.",
            )),
        )],
    ))
}

fn sentinel() -> Attribute {
    settable(Attribute::single(
        "The Sentinels. Each is checked for these settings at every plan; changes need no restart.",
        [
            (
                "quorum",
                settable(Attribute::number("Sentinels that must agree that the master is down."))
                    .default("`2`"),
            ),
            (
                "master_group_name",
                settable(Attribute::string("Name that clients ask the sentinels for. It cannot be changed."))
                    .default("`mymaster`"),
            ),
            (
                "down_after_milliseconds",
                settable(Attribute::number("Silence after which a sentinel takes a server for down."))
                    .default("`10000`"),
            ),
            (
                "failover_timeout_milliseconds",
                settable(Attribute::number("Time a failover may take before it is tried again."))
                    .default("`180000`"),
            ),
            (
                "parallel_syncs",
                settable(Attribute::number("Replicas that follow a new master at the same time."))
                    .default("`5`"),
            ),
        ],
    ))
}

fn auth() -> Attribute {
    settable(Attribute::single(
        "The password of Redis. By default one is generated and kept in a Secret.",
        [
            ("enabled", settable(Attribute::bool("Whether clients need a password.")).default("`true`")),
            (
                "existing_secret",
                settable(Attribute::string(
                    "Name of your own Secret that holds the password, in the same namespace.",
                )),
            ),
            (
                "secret_key",
                settable(Attribute::string("Key of the password in the Secret.")).default("`auth`"),
            ),
        ],
    ))
}

fn persistence() -> Attribute {
    settable(Attribute::single(
        "The volumes of the servers.",
        [
            ("enabled", settable(Attribute::bool("Whether each server has a volume.")).default("`true`")),
            (
                "size",
                settable(Attribute::string(
                    "Size of each volume. It may grow, where the StorageClass allows that.",
                ))
                .default("`10Gi`"),
            ),
            (
                "storage_class",
                settable(Attribute::string("StorageClass of the volumes."))
                    .default("the cluster's default class"),
            ),
            (
                "on_destroy",
                settable(Attribute::string(
                    "`delete` or `retain` the volumes when the cluster is destroyed.",
                ))
                .default("`delete`"),
            ),
        ],
    ))
}

fn timeouts() -> Attribute {
    let verb = |verb: &str, default: &str| {
        settable(Attribute::string(format!("How long {verb} may take, such as `45m`.")))
            .default(format!("`{default}`"))
    };
    settable(Attribute::single(
        "Time limits.",
        [
            ("create", verb("creating", "45m")),
            ("read", verb("a refresh", "5m")),
            ("update", verb("updating", "45m")),
            ("delete", verb("destroying", "30m")),
        ],
    ))
}

#[cfg(test)]
mod tests;
