//! Which request is meant by a method and a path: the regional form with verbs after a colon, and the
//! older zonal form with verbs as a last segment.

use http::Method;

use super::error::GoogleError;

/// A request that the Container API knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    ListClusters,
    GetCluster { cluster: String },
    UpdateCluster { cluster: String },
    GetServerConfig,
    ListPools { cluster: String },
    CreatePool { cluster: String },
    GetPool { cluster: String, pool: String },
    UpdatePool { cluster: String, pool: String },
    DeletePool { cluster: String, pool: String },
    SetSize { cluster: String, pool: String },
    SetManagement { cluster: String, pool: String },
    SetAutoscaling { cluster: String, pool: String },
    ListOperations,
    GetOperation { operation: String },
    CancelOperation { operation: String },
}

/// Where the call goes: `location` may be `-`, for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) project: String,
    pub(super) location: String,
    pub(super) call: Call,
}

pub(super) fn parse_route(method: &Method, path: &str) -> Result<Route, GoogleError> {
    let unknown = || GoogleError::fault(404, "The requested URL was not found on this server.");
    let path = path.trim_start_matches('/');
    let path = path.strip_prefix("v1/").or_else(|| path.strip_prefix("v1beta1/")).ok_or_else(unknown)?;
    let (path, colon_verb) = path.split_once(':').unwrap_or((path, ""));
    let segments: Vec<&str> = path.split('/').collect();
    let ["projects", project, "locations" | "zones", location, rest @ ..] = segments.as_slice() else {
        return Err(unknown());
    };
    let call = parse_call(method, rest, colon_verb).ok_or_else(unknown)?;
    Ok(Route { project: (*project).to_owned(), location: (*location).to_owned(), call })
}

fn parse_call(method: &Method, rest: &[&str], colon_verb: &str) -> Option<Call> {
    let (segments, verb) = match rest {
        // The zonal form of a verb: nodePools/NAME/setSize, operations/NAME:cancel is the same in both.
        ["clusters", cluster, "nodePools", pool, verb] => {
            (vec!["clusters", *cluster, "nodePools", *pool], *verb)
        }
        other => (other.to_vec(), colon_verb),
    };
    let owned = |text: &str| text.to_owned();
    let is = |wanted: &Method| method == wanted;
    Some(match (segments.as_slice(), verb) {
        (["serverConfig" | "serverconfig"], "") if is(&Method::GET) => Call::GetServerConfig,
        (["clusters"], "") if is(&Method::GET) => Call::ListClusters,
        (["clusters", cluster], "") if is(&Method::GET) => Call::GetCluster { cluster: owned(cluster) },
        (["clusters", cluster], "" | "update") if is(&Method::PUT) => {
            Call::UpdateCluster { cluster: owned(cluster) }
        }
        (["clusters", cluster, "nodePools"], "") if is(&Method::GET) => {
            Call::ListPools { cluster: owned(cluster) }
        }
        (["clusters", cluster, "nodePools"], "") if is(&Method::POST) => {
            Call::CreatePool { cluster: owned(cluster) }
        }
        (["clusters", cluster, "nodePools", pool], verb) => {
            return parse_pool_call(method, verb, owned(cluster), owned(pool));
        }
        (["operations"], "") if is(&Method::GET) => Call::ListOperations,
        (["operations", operation], "") if is(&Method::GET) => {
            Call::GetOperation { operation: owned(operation) }
        }
        (["operations", operation], "cancel") if is(&Method::POST) => {
            Call::CancelOperation { operation: owned(operation) }
        }
        _ => return None,
    })
}

fn parse_pool_call(method: &Method, verb: &str, cluster: String, pool: String) -> Option<Call> {
    Some(match (method.as_str(), verb) {
        ("GET", "") => Call::GetPool { cluster, pool },
        ("PUT", "") | ("POST", "update") => Call::UpdatePool { cluster, pool },
        ("DELETE", "") => Call::DeletePool { cluster, pool },
        ("POST", "setSize") => Call::SetSize { cluster, pool },
        ("POST", "setManagement") => Call::SetManagement { cluster, pool },
        ("POST", "setAutoscaling" | "autoscaling") => Call::SetAutoscaling { cluster, pool },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, path: &str, expected: Option<Call>) {
        let call = parse_route(&method, path).ok().map(|route| route.call);
        assert_eq!(call, expected, "{method} {path}");
    }

    #[test]
    fn both_forms_of_a_path_mean_the_same() {
        let (cluster, pool) = ("c".to_owned(), "n".to_owned());
        for path in [
            "/v1/projects/p/locations/l/clusters/c/nodePools/n:setSize",
            "/v1/projects/p/zones/z/clusters/c/nodePools/n/setSize",
        ] {
            let expected = Call::SetSize { cluster: cluster.clone(), pool: pool.clone() };
            check(Method::POST, path, Some(expected));
        }
        check(
            Method::PUT,
            "/v1/projects/p/locations/l/clusters/c/nodePools/n",
            Some(Call::UpdatePool { cluster, pool }),
        );
        check(Method::GET, "/v1/projects/p/locations/-/clusters", Some(Call::ListClusters));
        check(
            Method::POST,
            "/v1/projects/p/locations/l/operations/o:cancel",
            Some(Call::CancelOperation { operation: "o".to_owned() }),
        );
        check(Method::GET, "/v1/projects/p/locations/l/unknown", None);
        check(Method::PATCH, "/v1/projects/p/locations/l/clusters/c", None);
    }
}
