//! How many nodes each zone of a pool is meant to have: the targetSize of its instance groups,
//! which the Compute API tells and the GKE API does not.

use std::time::Duration;

use futures::future::try_join_all;
use serde_json::Value as Json;
use tokio::time::sleep;

use super::client::{attempts_max, pause_after};
use super::error::{GkeError, innermost};
use super::{Gke, NodeCount, NodePoolLive, ZoneSize};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// One instance group's answer.
enum Group {
    Size(ZoneSize),
    Forbidden(String),
    /// It is being made or removed.
    Absent,
}

impl Gke {
    /// The live node count of a pool, zone by zone.
    pub async fn node_count(&self, pool: &NodePoolLive) -> Result<NodeCount, GkeError> {
        let groups = pool.instance_group_urls.iter().map(|url| self.group(url));
        let mut zones = Vec::new();
        for group in try_join_all(groups).await? {
            match group {
                Group::Size(size) => zones.push(size),
                Group::Forbidden(message) => return Ok(NodeCount::Forbidden { message }),
                Group::Absent => {}
            }
        }
        zones.sort_by(|a, b| a.zone.cmp(&b.zone));
        Ok(NodeCount::Zones(zones))
    }

    async fn compute(&self) -> Result<&reqwest::Client, GkeError> {
        self.inner
            .compute
            .get_or_try_init(|| async {
                let built = reqwest::Client::builder().timeout(ATTEMPT_TIMEOUT).build();
                built.map_err(|error| GkeError::Unusable {
                    subject: "the HTTP client of the Compute API".to_owned(),
                    reason: innermost(&error),
                })
            })
            .await
    }

    async fn group(&self, url: &str) -> Result<Group, GkeError> {
        let (path, zone) = parse_group_url(url).ok_or_else(|| GkeError::Unusable {
            subject: format!("the instance group {url}"),
            reason: "its address is not one of the Compute API".to_owned(),
        })?;
        let address = format!("{}/{path}", self.inner.settings.compute_base());
        let operation = format!("get the size of the instance group {path}");
        let client = self.compute().await?;
        let mut attempt = 1;
        loop {
            let token = self.access_token().await?;
            let passing = match client.get(&address).bearer_auth(token.expose()).send().await {
                Err(error) => GkeError::Unreachable {
                    operation: operation.clone(),
                    endpoint: self.inner.settings.compute_base(),
                    reason: innermost(&error),
                    attempts: attempt,
                    source: Some(Box::new(error)),
                },
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    let body: Json = answer.json().await.unwrap_or_default();
                    match (status, body["targetSize"].as_i64()) {
                        (200, Some(nodes)) => {
                            return Ok(Group::Size(ZoneSize { zone: zone.to_owned(), nodes }));
                        }
                        (403, _) => return Ok(Group::Forbidden(message_of(&body))),
                        (404, _) => return Ok(Group::Absent),
                        (status, _) => {
                            let refused = refusal(&operation, status, &body);
                            if status != 429 && status < 500 {
                                return Err(refused);
                            }
                            refused
                        }
                    }
                }
            };
            if attempt >= attempts_max() {
                return Err(passing);
            }
            sleep(pause_after(attempt)).await;
            attempt += 1;
        }
    }
}

fn refusal(operation: &str, status: u16, body: &Json) -> GkeError {
    GkeError::Refused {
        operation: operation.to_owned(),
        code: format!("HTTP {status}"),
        message: message_of(body),
        hint: String::new(),
        source: None,
    }
}

fn message_of(body: &Json) -> String {
    body["error"]["message"]
        .as_str()
        .unwrap_or("the Compute API gave no reason")
        .trim_end_matches('.')
        .to_owned()
}

/// `projects/…` of an instance group manager's address, and its zone. GKE may name the group
/// itself; its manager has the same name.
fn parse_group_url(url: &str) -> Option<(String, &str)> {
    let path = &url[url.find("projects/")?..];
    let parts: Vec<_> = path.split('/').collect();
    let ["projects", project, "zones", zone, "instanceGroupManagers" | "instanceGroups", name] =
        parts.as_slice()
    else {
        return None;
    };
    Some((format!("projects/{project}/zones/{zone}/instanceGroupManagers/{name}"), zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_addresses_of_instance_groups() {
        let manager = "projects/p/zones/asia-east1-a/instanceGroupManagers/gke-x-grp";
        let cases = [
            (format!("https://www.googleapis.com/compute/v1/{manager}"), Some(manager)),
            (format!("http://127.0.0.1:1/v1/{}", manager.replace("Managers", "s")), Some(manager)),
            ("https://x/compute/v1/projects/p/regions/r/instanceGroupManagers/g".to_owned(), None),
            ("nonsense".to_owned(), None),
        ];
        for (url, wanted) in cases {
            let read = parse_group_url(&url);
            assert_eq!(read.as_ref().map(|(path, _)| path.as_str()), wanted, "{url}");
            assert!(read.is_none_or(|(_, zone)| zone == "asia-east1-a"));
        }
    }
}
