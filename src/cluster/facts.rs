//! What the objects of a redis-ha say by themselves, in the words of the public charts' values. A
//! chart may call its values as it likes; its pods cannot run without these. Pure.

use serde_json::{Map, Value as Json, json};

use super::discover::is_redis_ha;

/// What a server's port may be called: in the pods, and in the Services of both generations.
const SERVER_PORTS: [&str; 3] = ["redis", "server", "tcp-server"];
const SENTINEL_PORTS: [&str; 2] = ["sentinel", "tcp-sentinel"];
const SERVER_CONF: &str = "redis.conf";
const SENTINEL_CONF: &str = "sentinel.conf";
/// Ends the name of every redis-ha's StatefulSet.
const SET_SUFFIX: &str = "-server";

/// The parts of one redis-ha.
pub struct Parts<'a> {
    pub set: &'a Json,
    pub fullname: &'a str,
    /// Files of the ConfigMap that the servers start with.
    pub files: Option<&'a Map<String, Json>>,
}

/// The redis-ha among the objects of a release.
pub fn parts(objects: &[Json]) -> Option<Parts<'_>> {
    let set = objects.iter().find(|object| object["kind"] == "StatefulSet" && is_redis_ha(object))?;
    let fullname = set["metadata"]["name"].as_str()?.strip_suffix(SET_SUFFIX)?;
    let name = format!("{fullname}-configmap");
    let map = objects.iter().find(|one| one["kind"] == "ConfigMap" && one["metadata"]["name"] == *name);
    Some(Parts { set, fullname, files: map.and_then(|map| map["data"].as_object()) })
}

impl<'a> Parts<'a> {
    /// What the provider has to know to find and to ask the servers, by the path of its value.
    pub fn identity(&self) -> Vec<(&'static [&'static str], Json)> {
        let mut found: Vec<(&'static [&'static str], Json)> =
            vec![(&["fullnameOverride"], json!(self.fullname))];
        let app = self.set.pointer("/spec/template/metadata/labels/app");
        found.extend(app.map(|app| (&["nameOverride"][..], app.clone())));
        if let Some((secret, key)) = self.secret(&["redis", "config-init"], &["AUTH"]) {
            found.push((&["auth"], json!(true)));
            found.push((&["existingSecret"], json!(secret)));
            found.push((&["authKey"], json!(key)));
        }
        if let Some((secret, key)) = self.secret(&["sentinel", "config-init"], &["SENTINELAUTH"]) {
            found.push((&["sentinel", "auth"], json!(true)));
            found.push((&["sentinel", "existingSecret"], json!(secret)));
            found.push((&["sentinel", "authKey"], json!(key)));
        }
        let plain = |container: &str, names: &[&str], file: &str| {
            self.port(container, names).or_else(|| self.number(file, "port"))
        };
        let server = plain("redis", &SERVER_PORTS, SERVER_CONF).map(|port| (&["redis", "port"][..], port));
        let sentinel = plain("sentinel", &SENTINEL_PORTS, SENTINEL_CONF);
        let sentinel = sentinel.map(|port| (&["sentinel", "port"][..], port));
        let group = self.group().map(|group| (&["redis", "masterGroupName"][..], json!(group)));
        let quorum = self.quorum().map(|quorum| (&["sentinel", "quorum"][..], json!(quorum)));
        found.extend([server, sentinel, group, quorum].into_iter().flatten());
        found.extend(self.tls());
        found
    }

    /// How TLS is spoken, and the Secret whose files are mounted for it.
    fn tls(&self) -> impl Iterator<Item = (&'static [&'static str], Json)> {
        let port = |file: &str, container: &str, names: &[&str]| {
            let port = self.number(file, "tls-port").or_else(|| self.port(container, names));
            port.filter(|port| *port != 0)
        };
        let yes = |file: &str| {
            self.line(file, "tls-replication").filter(|line| *line == "yes").map(|_| json!(true))
        };
        let line = |file: &str, name: &str| self.line(file, name).map(|line| json!(line));
        let server = port(SERVER_CONF, "redis", &["redis-tls", "server-tls"]);
        let sentinel = port(SENTINEL_CONF, "sentinel", &["sentinel-tls"]);
        let file_of = |name: &str| {
            [SERVER_CONF, SENTINEL_CONF].into_iter().find_map(|file| self.line(file, name)?.rsplit_once('/'))
        };
        let key_of = |name: &str| file_of(name).map(|(_, key)| json!(key));
        let secret = file_of("tls-cert-file").and_then(|(directory, _)| self.mounted_secret(directory));
        let found: [(&'static [&'static str], Option<Json>); 11] = [
            (&["redis", "tlsPort"], server),
            (&["sentinel", "tlsPort"], sentinel),
            (&["redis", "tlsReplication"], yes(SERVER_CONF)),
            (&["sentinel", "tlsReplication"], yes(SENTINEL_CONF)),
            (&["redis", "authClients"], line(SERVER_CONF, "tls-auth-clients")),
            (&["sentinel", "authClients"], line(SENTINEL_CONF, "tls-auth-clients")),
            (&["tls", "secretName"], secret.map(|secret| json!(secret))),
            (&["tls", "caCertFile"], key_of("tls-ca-cert-file")),
            (&["tls", "certFile"], key_of("tls-cert-file")),
            (&["tls", "keyFile"], key_of("tls-key-file")),
            (&["tls", "dhParamsFile"], key_of("tls-dh-params-file")),
        ];
        found.into_iter().filter_map(|(path, fact)| Some((path, fact?)))
    }

    /// The Secret that the servers see as a directory.
    fn mounted_secret(&self, directory: &str) -> Option<&'a str> {
        let mounts = self.container("redis")?["volumeMounts"].as_array()?;
        let mount = mounts.iter().find(|mount| mount["mountPath"] == directory)?;
        let volume = self.pod()["volumes"].as_array()?.iter().find(|one| one["name"] == mount["name"])?;
        volume["secret"]["secretName"].as_str()
    }

    /// The rest of the first line of a configuration file that begins with this word.
    fn line(&self, file: &str, name: &str) -> Option<&'a str> {
        let text = self.files?.get(file)?.as_str()?;
        let mut lines = text.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
        lines.find(|(word, _)| *word == name).map(|(_, rest)| rest.trim().trim_matches(['"', '\'']))
    }

    fn number(&self, file: &str, name: &str) -> Option<Json> {
        self.line(file, name)?.parse::<u16>().ok().map(|number| json!(number))
    }

    pub fn pod(&self) -> &'a Json {
        &self.set["spec"]["template"]["spec"]
    }

    pub fn container(&self, name: &str) -> Option<&'a Json> {
        let of = |kind: &str| self.pod()[kind].as_array().into_iter().flatten();
        of("containers").chain(of("initContainers")).find(|container| container["name"] == name)
    }

    /// The Secret and the key that an environment variable of one of the containers comes from.
    fn secret(&self, containers: &[&str], variables: &[&str]) -> Option<(&'a str, &'a str)> {
        let containers = containers.iter().filter_map(|name| self.container(name));
        let mut environment = containers.flat_map(|one| one["env"].as_array().into_iter().flatten());
        environment.find_map(|variable| {
            let is_asked = variable["name"].as_str().is_some_and(|name| variables.contains(&name));
            let key = variable.pointer("/valueFrom/secretKeyRef").filter(|_| is_asked)?;
            key["name"].as_str().zip(key["key"].as_str())
        })
    }

    fn port(&self, container: &str, names: &[&str]) -> Option<Json> {
        let mut ports = self.container(container)?["ports"].as_array()?.iter();
        let is_named = |port: &&Json| port["name"].as_str().is_some_and(|name| names.contains(&name));
        Some(ports.find(is_named)?["containerPort"].clone()).filter(Json::is_number)
    }

    fn lines(&self) -> impl Iterator<Item = &'a str> {
        let files = self.files.into_iter().flatten().filter_map(|(_, text)| text.as_str());
        files.flat_map(str::lines).map(str::trim)
    }

    /// Lines of sentinel.conf name the group, and so do the scripts of the public charts.
    fn group(&self) -> Option<&'a str> {
        self.sentinel_lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let option = words.next()?;
            ["down-after-milliseconds", "failover-timeout", "parallel-syncs", "monitor"]
                .contains(&option)
                .then(|| words.next())?
        })
    }

    /// Lines of sentinel.conf after their first word.
    pub fn sentinel_lines(&self) -> impl Iterator<Item = &'a str> {
        let text = self.files.and_then(|files| files.get("sentinel.conf")?.as_str()).unwrap_or_default();
        text.lines().filter_map(|line| line.trim().strip_prefix("sentinel "))
    }

    /// As the public charts' scripts say it: `QUORUM="2"`.
    fn quorum(&self) -> Option<u32> {
        let mut said = self.lines().filter_map(|line| line.strip_prefix("QUORUM="));
        said.find_map(|text| text.trim_matches(['"', '\'']).parse().ok())
    }
}
