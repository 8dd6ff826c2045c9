//! The values of a redis-ha of which no record tells them, read back from its objects. Pure.

use serde_json::{Map, Value as Json, json};

use super::facts::Parts;

/// Lines of redis.conf and sentinel.conf that charts write themselves.
const OWN_LINES: [&str; 19] = [
    "dir",
    "port",
    "bind",
    "requirepass",
    "masterauth",
    "replicaof",
    "slaveof",
    "rename-command",
    "replica-announce-ip",
    "replica-announce-port",
    "sentinel",
    "protected-mode",
    "tls-port",
    "tls-replication",
    "tls-auth-clients",
    "tls-ca-cert-file",
    "tls-cert-file",
    "tls-key-file",
    "tls-dh-params-file",
];
/// Labels and annotations of pods that charts set themselves.
const OWN_LABELS: [&str; 4] = ["app", "release", "chart", "heritage"];
const OWN_ANNOTATIONS: [&str; 2] = ["checksum/", "prometheus.io/"];

/// Values that say what the objects say. `objects` are all of the release's.
pub fn values(parts: &Parts<'_>, objects: &[Json]) -> Json {
    let mut values = json!({});
    for (path, fact) in parts.identity() {
        put(&mut values, path, fact);
    }
    put(&mut values, &["replicas"], parts.set["spec"]["replicas"].clone());
    image(parts, &mut values);
    configuration(parts, &mut values);
    storage(parts, &mut values);
    exporter(parts, &mut values);
    scheduling(parts, &mut values);
    pods(parts, objects, &mut values);
    values
}

/// Sets the value at a path, unless there is nothing to set.
pub fn put(values: &mut Json, path: &[&str], value: Json) {
    let is_nothing = match &value {
        Json::Null => true,
        Json::Object(map) => map.is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    };
    if is_nothing {
        return;
    }
    let mut at = values;
    for key in path {
        if !at.is_object() {
            *at = Json::Object(Map::new());
        }
        at = &mut at[*key];
    }
    *at = value;
}

fn image(parts: &Parts<'_>, values: &mut Json) {
    let container = parts.container("redis").cloned().unwrap_or_default();
    if let Some((repository, tag)) = split_image(&container["image"]) {
        put(values, &["image", "repository"], json!(repository));
        put(values, &["image", "tag"], json!(tag));
    }
    put(values, &["image", "pullPolicy"], container["imagePullPolicy"].clone());
    put(values, &["redis", "resources"], container["resources"].clone());
    let sentinel = parts.container("sentinel").cloned().unwrap_or_default();
    put(values, &["sentinel", "resources"], sentinel["resources"].clone());
}

/// A digest is part of the tag here: charts join the two by a colon.
fn split_image(image: &Json) -> Option<(&str, &str)> {
    let (repository, tag) = image.as_str()?.rsplit_once(':')?;
    (!tag.contains('/')).then_some((repository, tag))
}

fn configuration(parts: &Parts<'_>, values: &mut Json) {
    let text = |file: &str| parts.files.and_then(|files| files.get(file)?.as_str()).unwrap_or_default();
    let mut disabled = Vec::new();
    let mut settings: Map<String, Json> = Map::new();
    for line in text("redis.conf").lines().map(str::trim) {
        let Some((name, value)) = line.split_once(char::is_whitespace) else { continue };
        let value = value.trim();
        if name == "rename-command" {
            let renamed = value.split_once(char::is_whitespace);
            disabled.extend(renamed.filter(|(_, to)| to.trim() == "\"\"").map(|(command, _)| json!(command)));
        }
        if name.starts_with('#') || OWN_LINES.contains(&name) {
            continue;
        }
        match settings.get_mut(name) {
            None => drop(settings.insert(name.to_owned(), json!(value))),
            Some(Json::Array(lines)) => lines.push(json!(value)),
            Some(line) => *line = json!([line, value]),
        }
    }
    put(values, &["redis", "config"], Json::Object(settings));
    put(values, &["redis", "disableCommands"], Json::Array(disabled));
    for line in parts.sentinel_lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if let [option @ ("down-after-milliseconds" | "failover-timeout" | "parallel-syncs"), _, value] =
            words.as_slice()
        {
            put(values, &["sentinel", "config", option], number(value));
        }
    }
}

fn number(text: &str) -> Json {
    text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
}

fn storage(parts: &Parts<'_>, values: &mut Json) {
    let mut claims = parts.set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
    let claim = claims.find(|claim| claim["metadata"]["name"] == "data");
    put(values, &["persistentVolume", "enabled"], json!(claim.is_some()));
    let Some(claim) = claim else { return };
    put(values, &["persistentVolume", "size"], claim["spec"]["resources"]["requests"]["storage"].clone());
    put(values, &["persistentVolume", "storageClass"], claim["spec"]["storageClassName"].clone());
    put(values, &["persistentVolume", "accessModes"], claim["spec"]["accessModes"].clone());
}

fn exporter(parts: &Parts<'_>, values: &mut Json) {
    let Some(container) = parts.container("redis-exporter") else { return };
    put(values, &["exporter", "enabled"], json!(true));
    if let Some((image, tag)) = split_image(&container["image"]) {
        put(values, &["exporter", "image"], json!(image));
        put(values, &["exporter", "tag"], json!(tag));
    }
    put(values, &["exporter", "port"], container["ports"][0]["containerPort"].clone());
    let path = &parts.set["spec"]["template"]["metadata"]["annotations"]["prometheus.io/path"];
    put(values, &["exporter", "scrapePath"], path.clone());
    put(values, &["exporter", "resources"], container["resources"].clone());
}

fn scheduling(parts: &Parts<'_>, values: &mut Json) {
    let pod = parts.pod();
    let hard = &pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    put(values, &["hardAntiAffinity"], json!(hard.as_array().is_some_and(|terms| !terms.is_empty())));
    for name in ["nodeSelector", "tolerations", "priorityClassName", "imagePullSecrets"] {
        put(values, &[name], pod[name].clone());
    }
    if pod["schedulerName"] != "default-scheduler" {
        put(values, &["schedulerName"], pod["schedulerName"].clone());
    }
}

fn pods(parts: &Parts<'_>, objects: &[Json], values: &mut Json) {
    let metadata = &parts.set["spec"]["template"]["metadata"];
    let free = |group: &str, is_own: &dyn Fn(&str) -> bool| {
        let entries = metadata[group].as_object().into_iter().flatten();
        let free =
            entries.filter(|(name, _)| !is_own(name)).map(|(name, value)| (name.clone(), value.clone()));
        Json::Object(free.collect())
    };
    let is_own_label = |name: &str| OWN_LABELS.contains(&name) || name == parts.fullname;
    put(values, &["labels"], free("labels", &is_own_label));
    let is_own_annotation = |name: &str| OWN_ANNOTATIONS.iter().any(|own| name.starts_with(own));
    put(values, &["redis", "podAnnotations"], free("annotations", &is_own_annotation));
    let pod = parts.pod();
    put(values, &["securityContext"], pod["securityContext"].clone());
    let grace = &pod["terminationGracePeriodSeconds"];
    put(values, &["redis", "terminationGracePeriodSeconds"], grace.clone());
    if let Some(account) = pod["serviceAccountName"].as_str().filter(|name| *name != parts.fullname) {
        let named = |one: &Json| one["kind"] == "ServiceAccount" && one["metadata"]["name"] == account;
        put(values, &["serviceAccount", "create"], json!(objects.iter().any(named)));
        put(values, &["serviceAccount", "name"], json!(account));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::facts::parts;

    fn objects() -> Vec<Json> {
        let container = json!({
            "name": "redis", "image": "registry:5000/redis:6.2.7", "imagePullPolicy": "Always",
            "ports": [{ "name": "redis", "containerPort": 6380 }],
            "env": [{ "name": "AUTH", "valueFrom": { "secretKeyRef": { "name": "credentials", "key": "word" } } }],
        });
        let sentinel =
            json!({ "name": "sentinel", "ports": [{ "name": "sentinel", "containerPort": 26380 }] });
        let set = json!({
            "kind": "StatefulSet", "metadata": { "name": "cache-server" },
            "spec": {
                "replicas": 5,
                "template": {
                    "metadata": {
                        "labels": { "app": "store", "release": "r", "cache": "replica", "team": "web" },
                        "annotations": { "checksum/init-config": "1", "note": "kept" },
                    },
                    "spec": { "containers": [container, sentinel], "schedulerName": "default-scheduler" },
                },
                "volumeClaimTemplates": [{
                    "metadata": { "name": "data" },
                    "spec": { "resources": { "requests": { "storage": "2Gi" } } },
                }],
            },
        });
        let files = json!({
            "redis.conf": "dir \"/data\"\nport 6380\nrename-command FLUSHALL \"\"\nsave 900 1\nsave 300 10\n\
                           maxmemory 0\nrequirepass replace-default-auth\n",
            "sentinel.conf": "dir \"/data\"\nsentinel failover-timeout shop 90000\n",
            "init.sh": "    QUORUM=\"3\"\n",
        });
        vec![set, json!({ "kind": "ConfigMap", "metadata": { "name": "cache-configmap" }, "data": files })]
    }

    #[test]
    fn objects_tell_the_values_that_they_were_made_of() {
        let objects = objects();
        let parts = parts(&objects).expect("a redis-ha");
        let wanted = json!({
            "fullnameOverride": "cache", "nameOverride": "store", "replicas": 5,
            "auth": true, "existingSecret": "credentials", "authKey": "word",
            "image": { "repository": "registry:5000/redis", "tag": "6.2.7", "pullPolicy": "Always" },
            "redis": {
                "port": 6380, "masterGroupName": "shop", "disableCommands": ["FLUSHALL"],
                "config": { "save": ["900 1", "300 10"], "maxmemory": "0" },
                "podAnnotations": { "note": "kept" },
            },
            "sentinel": { "port": 26380, "quorum": 3, "config": { "failover-timeout": 90000 } },
            "persistentVolume": { "enabled": true, "size": "2Gi" },
            "hardAntiAffinity": false, "labels": { "team": "web" },
        });
        assert_eq!(values(&parts, &objects), wanted);
    }

    #[test]
    fn tls_is_read_back_from_the_files_and_the_secret_that_is_mounted() {
        let mut objects = objects();
        let pod = &mut objects[0]["spec"]["template"]["spec"];
        pod["containers"][0]["ports"] = json!([{ "name": "redis-tls", "containerPort": 6385 }]);
        pod["containers"][0]["volumeMounts"] = json!([{ "name": "certificates", "mountPath": "/tls-certs" }]);
        pod["volumes"] = json!([{ "name": "certificates", "secret": { "secretName": "certs" } }]);
        objects[1]["data"]["redis.conf"] = json!(
            "port 0\ntls-port 6385\ntls-cert-file /tls-certs/tls.crt\ntls-key-file /tls-certs/tls.key\n\
             tls-ca-cert-file /tls-certs/root.crt\ntls-auth-clients no\ntls-replication yes\nmaxmemory 0\n"
        );
        let values = values(&parts(&objects).expect("a redis-ha"), &objects);
        let wanted = json!({
            "port": 0, "tlsPort": 6385, "tlsReplication": true, "authClients": "no", "masterGroupName": "shop",
            "config": { "maxmemory": "0" }, "podAnnotations": { "note": "kept" },
        });
        assert_eq!(values["redis"], wanted);
        let files = json!({ "secretName": "certs", "certFile": "tls.crt", "keyFile": "tls.key", "caCertFile": "root.crt" });
        assert_eq!(values["tls"], files);
    }
}
