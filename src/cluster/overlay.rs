//! Laying a configuration over what holds where it is silent, attribute by attribute, at every
//! depth that the schema nests. Lists and maps are taken whole, as Terraform's rules demand.

use tfplugin_sdk::Attr;

use super::model::{Auth, Chart, Gke, Image, Model, NodePool, Persistence, Redis, Sentinel, Timeouts};

pub trait Overlay: Sized {
    /// This, with every attribute that was left out taken from `fill`.
    #[must_use]
    fn over(self, fill: Self) -> Self;
}

/// A nested object: unknown stays unknown, an object that was left out comes whole from `fill`.
fn nested<T: Overlay>(config: Attr<T>, fill: Attr<T>) -> Attr<T> {
    match (config, fill) {
        (Attr::Known(config), Attr::Known(fill)) => Attr::Known(config.over(fill)),
        (config, fill) => config.or(fill),
    }
}

macro_rules! overlay {
    ($model:ident { leaves: [$($leaf:ident),* $(,)?], nested: [$($nested:ident),* $(,)?] }) => {
        impl Overlay for $model {
            fn over(self, fill: Self) -> Self {
                Self {
                    $($leaf: self.$leaf.or(fill.$leaf),)*
                    $($nested: nested(self.$nested, fill.$nested),)*
                }
            }
        }
    };
}

overlay!(Gke { leaves: [project, location, cluster], nested: [node_pool] });
overlay!(NodePool {
    leaves: [name, machine_type, node_count, disk_size_gb, disk_type, labels, taints, node_locations],
    nested: []
});
overlay!(Chart { leaves: [repository, name, version], nested: [] });
overlay!(Image { leaves: [repository, tag, pull_policy], nested: [] });
overlay!(Redis { leaves: [config], nested: [] });
overlay!(Sentinel {
    leaves: [
        quorum,
        master_group_name,
        down_after_milliseconds,
        failover_timeout_milliseconds,
        parallel_syncs,
    ],
    nested: []
});
overlay!(Auth { leaves: [enabled, existing_secret, secret_key], nested: [] });
overlay!(Persistence { leaves: [enabled, size, storage_class, on_destroy], nested: [] });
overlay!(Timeouts { leaves: [create, read, update, delete], nested: [] });
overlay!(Model {
    leaves: [
        name,
        namespace,
        create_namespace,
        values,
        replicas,
        password_wo,
        password_wo_version,
        repair,
        deletion_protection,
        id,
        release,
        objects,
        master_endpoint,
        master,
        replica_endpoints,
        sentinel_endpoints,
        announce_endpoints,
        service_endpoint,
        master_group_name,
        auth_secret,
        redis_version,
        topology,
        health,
        drift,
    ],
    nested: [gke, chart, image, redis, sentinel, auth, persistence, timeouts]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_only_what_was_left_out() {
        let config = Model {
            replicas: Attr::Known(5),
            sentinel: Attr::Known(Sentinel { quorum: Attr::Known(3), ..Sentinel::default() }),
            repair: Attr::Unknown,
            ..Model::default()
        };
        let fill = Model {
            replicas: Attr::Known(3),
            sentinel: Attr::Known(Sentinel {
                quorum: Attr::Known(2),
                parallel_syncs: Attr::Known(5),
                ..Sentinel::default()
            }),
            repair: Attr::Known("auto".into()),
            namespace: Attr::Known("default".into()),
            ..Model::default()
        };
        let planned = config.over(fill);
        let sentinel = planned.sentinel.into_option().expect("an object");
        assert_eq!(planned.replicas, Attr::Known(5));
        assert_eq!((sentinel.quorum, sentinel.parallel_syncs), (Attr::Known(3), Attr::Known(5)));
        assert_eq!(planned.repair, Attr::Unknown);
        assert!(planned.namespace.is(&"default".to_owned()));
    }
}
