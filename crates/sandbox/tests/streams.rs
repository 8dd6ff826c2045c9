//! Streams of the API: watches, logs, and WebSocket channels over TLS, against a node that is played.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use http::Request;
use sandbox::api::node_agent::{ContainerRef, Duplex, ExecRequest, ExecSession, LogOptions, NodeError};
use sandbox::api::tls::{Identity, Token};
use sandbox::api::{Api, NodeAgent};
use sandbox::store::{DeleteOptions, Key, Store, kinds};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

const DEADLINE: Duration = Duration::from_secs(60);

/// A node whose only command echoes its input in upper case and ends with 7.
struct EchoNode;

#[async_trait::async_trait]
impl NodeAgent for EchoNode {
    async fn exec(&self, request: ExecRequest) -> Result<ExecSession, NodeError> {
        let (stdin, mut input) = mpsc::channel::<Bytes>(4);
        let (exited, exit) = oneshot::channel();
        let (mut output, stdout) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            while let Some(bytes) = input.recv().await {
                let _ = output.write_all(&bytes.to_ascii_uppercase()).await;
            }
            let _ = exited.send(Ok(7));
        });
        let stderr = std::io::Cursor::new(request.command.join(" ").into_bytes());
        Ok(ExecSession {
            stdin: Some(stdin),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
            resize: None,
            exit,
        })
    }

    async fn attach(&self, _: ContainerRef, _: bool) -> Result<ExecSession, NodeError> {
        Err(NodeError::Failed("nothing to attach to".to_owned()))
    }

    async fn logs(
        &self,
        target: ContainerRef,
        options: LogOptions,
    ) -> Result<Box<dyn AsyncRead + Send + Unpin>, NodeError> {
        let text =
            format!("{} tail={:?} previous={}\n", target.container, options.tail_lines, options.previous);
        Ok(Box::new(std::io::Cursor::new(text.into_bytes())))
    }

    async fn dial(&self, _: &str, _: &str, port: u16) -> Result<Box<dyn Duplex>, NodeError> {
        if port != 6379 {
            return Err(NodeError::Failed(format!("nobody listens on {port}")));
        }
        let (mut near, far) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            let mut line = [0; 4];
            if near.read_exact(&mut line).await.is_ok() {
                let _ = near.write_all(b"PONG").await;
            }
        });
        Ok(Box::new(far))
    }
}

fn api() -> (Api, Store) {
    let store = Store::new(Arc::new(jiff::Timestamp::now));
    let pod = json!({"metadata": {"name": "p", "namespace": "default"},
        "spec": {"nodeName": "n0", "containers": [{"name": "redis", "image": "redis:7"}]}});
    store.create(&kinds::POD, pod).expect("a good pod");
    (Api::new(store.clone(), Arc::new(EchoNode), Token::new("t")), store)
}

fn config_map(name: &str, label: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "default", "labels": {"l": label}}, "data": {"a": "1"}})
}

async fn get(api: &Api, path: &str) -> Body {
    let request =
        Request::get(path).header("authorization", "Bearer t").body(Body::empty()).expect("a request");
    api.clone().handle(request).await.into_body()
}

/// Reads a whole watch, which its timeoutSeconds ends, as `TYPE name` lines.
async fn watched(api: &Api, query: &str) -> Vec<String> {
    let body =
        get(api, &format!("/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1&{query}")).await;
    let read = tokio::time::timeout(DEADLINE, axum::body::to_bytes(body, usize::MAX));
    let bytes = read.await.expect("the watch ends by itself").expect("a whole body");
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    let parse = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("a JSON line");
        let name = event["object"]["metadata"]["name"].as_str().unwrap_or("-");
        format!("{} {name}", event["type"].as_str().unwrap_or_default())
    };
    text.lines().map(parse).collect()
}

#[tokio::test]
async fn a_watch_tells_what_happened_after_its_revision() {
    let (api, store) = api();
    let from = store.revision();
    let key = Key::namespaced(&kinds::CONFIG_MAP, "default", "w");
    store.create(&kinds::CONFIG_MAP, config_map("w", "1")).expect("created");
    store.update(&key, |object| object["data"]["a"] = json!("2")).expect("updated");
    store.update(&key, |_| {}).expect("unchanged");
    store.delete(&key, &DeleteOptions::default()).expect("deleted");
    let lines = watched(&api, &format!("resourceVersion={from}")).await;
    assert_eq!(lines, ["ADDED w", "MODIFIED w", "DELETED w"]);
}

#[tokio::test]
async fn leaving_the_selection_is_a_delete_to_that_watcher() {
    let (api, store) = api();
    let from = store.revision();
    let key = Key::namespaced(&kinds::CONFIG_MAP, "default", "w");
    store.create(&kinds::CONFIG_MAP, config_map("w", "0")).expect("created");
    for label in ["1", "2", "1"] {
        store.update(&key, |object| object["metadata"]["labels"]["l"] = json!(label)).expect("relabelled");
    }
    let lines = watched(&api, &format!("resourceVersion={from}&labelSelector=l%3D1")).await;
    assert_eq!(lines, ["ADDED w", "DELETED w", "ADDED w"]);
}

#[tokio::test]
async fn a_watch_list_marks_the_end_of_what_was_there() {
    let (api, store) = api();
    store.create(&kinds::CONFIG_MAP, config_map("w", "0")).expect("created");
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let lines = watched(&api, query).await;
    assert_eq!(lines, ["ADDED w", "BOOKMARK -", "BOOKMARK -"]);
}

#[tokio::test]
async fn a_watch_from_a_future_revision_is_told_so() {
    let (api, _) = api();
    assert_eq!(watched(&api, "resourceVersion=99999999").await, ["ERROR -"]);
}

#[tokio::test]
async fn logs_carry_the_options_to_the_node() {
    let (api, _) = api();
    let body = get(&api, "/api/v1/namespaces/default/pods/p/log?tailLines=5&previous=true").await;
    let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a whole body");
    assert_eq!(bytes, "redis tail=Some(5) previous=true\n");
}

/// Opens a WebSocket to a path over TLS, sends frames, and gives back every frame until the server closes.
async fn converse(path: &str, protocol: &str, sent: &[&[u8]]) -> Vec<Vec<u8>> {
    let (api, _) = api();
    let identity = Identity::generate().expect("certificates");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(api.serve(listener, identity.server));
    let mut request = format!("wss://localhost{path}").into_client_request().expect("a request");
    request.headers_mut().insert("authorization", "Bearer t".parse().expect("a header"));
    request.headers_mut().insert("sec-websocket-protocol", protocol.parse().expect("a header"));
    let tcp = tokio::net::TcpStream::connect(address).await.expect("the server listens");
    let tls = connect_tls(&identity.ca_pem, tcp).await;
    let (mut socket, _) = tokio_tungstenite::client_async(request, tls).await.expect("an upgrade");
    for frame in sent {
        socket.send(Message::binary(frame.to_vec())).await.expect("sent");
    }
    let mut frames = Vec::new();
    let reads = async {
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Binary(data) => frames.push(data.to_vec()),
                Message::Close(_) => break,
                _ => {}
            }
        }
    };
    tokio::time::timeout(DEADLINE, reads).await.expect("the server ends the stream");
    frames
}

async fn connect_tls(
    ca_pem: &str,
    tcp: tokio::net::TcpStream,
) -> impl AsyncRead + tokio::io::AsyncWrite + Unpin {
    use rustls::pki_types::pem::PemObject as _;
    let ca = rustls::pki_types::CertificateDer::from_pem_slice(ca_pem.as_bytes()).expect("the CA's PEM");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca).expect("a good CA");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .expect("the certificate is trusted")
}

#[tokio::test]
async fn exec_carries_input_output_and_the_exit_code() {
    let path =
        "/api/v1/namespaces/default/pods/p/exec?command=tr&command=up&stdin=true&stdout=true&stderr=true";
    let frames = converse(path, "v5.channel.k8s.io", &[b"\0hello", b"\xff\0"]).await;
    let channel = |wanted: u8| -> Vec<u8> {
        frames.iter().filter(|frame| frame[0] == wanted).flat_map(|frame| frame[1..].to_vec()).collect()
    };
    assert_eq!(channel(1), b"HELLO");
    assert_eq!(channel(2), b"tr up");
    let status: Value = serde_json::from_slice(&channel(3)).expect("a Status");
    assert_eq!(status["details"]["causes"][0], json!({"reason": "ExitCode", "message": "7"}));
}

#[tokio::test]
async fn port_forward_opens_each_channel_with_its_port_and_tells_who_does_not_listen() {
    let path = "/api/v1/namespaces/default/pods/p/portforward?ports=6379,1";
    let frames = converse(path, "v4.channel.k8s.io", &[b"\0PING"]).await;
    let mut expected: Vec<Vec<u8>> = vec![b"\0\xeb\x18".to_vec(), b"\x01\xeb\x18".to_vec()];
    expected.extend([b"\x02\x01\0".to_vec(), b"\x03\x01\0".to_vec()]);
    expected.push(b"\x03nobody listens on 1".to_vec());
    expected.push(b"\0PONG".to_vec());
    assert_eq!(frames, expected);
}

async fn listed(api: &Api, query: &str) -> Value {
    let body = get(api, &format!("/api/v1/namespaces/default/configmaps?{query}")).await;
    let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a whole body");
    serde_json::from_slice(&bytes).expect("an object")
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("items");
    items.iter().map(|item| item["metadata"]["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn the_pages_of_a_list_and_a_list_at_a_revision_show_what_was_there() {
    let (api, store) = api();
    for name in ["a", "b", "c", "d"] {
        store.create(&kinds::CONFIG_MAP, config_map(name, "1")).expect("created");
    }
    let first = listed(&api, "limit=2").await;
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b"], &json!(2)));
    let (token, revision) = (&first["metadata"]["continue"], &first["metadata"]["resourceVersion"]);
    let (token, revision) = (token.as_str().expect("a token"), revision.as_str().expect("a revision"));
    let key = |name: &str| Key::namespaced(&kinds::CONFIG_MAP, "default", name);
    store.delete(&key("d"), &DeleteOptions::default()).expect("deleted");
    store.create(&kinds::CONFIG_MAP, config_map("e", "1")).expect("created");
    store.update(&key("c"), |object| object["data"]["a"] = json!("2")).expect("updated");
    let second = listed(&api, &format!("limit=2&continue={token}")).await;
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(second["items"][0]["data"]["a"], "1");
    assert_eq!(second["metadata"]["resourceVersion"], revision);
    let then = listed(&api, &format!("resourceVersion={revision}&resourceVersionMatch=Exact")).await;
    assert_eq!(names(&then), ["a", "b", "c", "d"]);
    assert_eq!(names(&listed(&api, &format!("resourceVersion={revision}")).await), ["a", "b", "c", "e"]);
    assert_eq!(
        names(&listed(&api, &format!("resourceVersion={revision}&limit=9")).await),
        ["a", "b", "c", "d"]
    );
}

#[tokio::test]
async fn a_list_that_cannot_be_had_says_why() {
    let (api, store) = api();
    let check = async |query: &str, code: u16, message: &str| {
        let status = listed(&api, query).await;
        assert_eq!((&status["code"], &status["message"]), (&json!(code), &json!(message)), "{query}");
    };
    let match_of = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: ";
    check(
        "resourceVersionMatch=Exact",
        422,
        &format!("{match_of}Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"),
    )
    .await;
    check(
        "resourceVersionMatch=x&resourceVersion=1",
        422,
        &format!("{match_of}Unsupported value: \"x\": supported values: \"Exact\", \"NotOlderThan\", \"\""),
    )
    .await;
    check(
        "continue=abc&resourceVersion=7",
        400,
        "specifying resource version is not allowed when using continue",
    )
    .await;
    let ahead = format!("Timeout: Too large resource version: 99999999, current: {}", store.revision());
    check("resourceVersion=99999999", 504, &ahead).await;
}

/// More changes than the store remembers.
const FORGOTTEN_AFTER_CHANGES: u64 = 17_000;

#[tokio::test]
async fn a_page_that_is_too_old_is_gone_and_says_how_to_go_on() {
    let (api, store) = api();
    for name in ["a", "b", "c"] {
        store.create(&kinds::CONFIG_MAP, config_map(name, "1")).expect("created");
    }
    let first = listed(&api, "limit=1").await;
    let token = first["metadata"]["continue"].as_str().expect("a token").to_owned();
    let revision = first["metadata"]["resourceVersion"].as_str().expect("a revision").to_owned();
    let key = Key::namespaced(&kinds::CONFIG_MAP, "default", "a");
    for count in 0..FORGOTTEN_AFTER_CHANGES {
        store.update(&key, |object| object["data"]["a"] = json!(count.to_string())).expect("updated");
    }
    let gone = listed(&api, &format!("limit=1&continue={token}")).await;
    assert_eq!((&gone["code"], &gone["reason"]), (&json!(410), &json!("Expired")), "{gone}");
    let token = gone["metadata"]["continue"].as_str().expect("a way on");
    assert_eq!(names(&listed(&api, &format!("continue={token}")).await), ["b", "c"]);
    let exact = listed(&api, &format!("resourceVersion={revision}&resourceVersionMatch=Exact")).await;
    assert_eq!(exact["message"], "The resourceVersion for the provided list is too old.");
}
