//! The output of containers, in files of CRI's form: time, stream, tag, line.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::NodeError;
use crate::api::node_agent::LogOptions;

/// A line longer than this is cut into parts, tagged `P` for partial, as container runtimes do.
const LINE_BYTES_MAX: usize = 16 * 1024;
const LINES_IN_FLIGHT: usize = 256;
/// How often a followed log is looked at.
const FOLLOW_POLL: Duration = Duration::from_millis(50);

/// The logs of one container of one pod; each run has a file, and the last two are kept.
#[derive(Debug, Clone)]
pub(super) struct LogDirectory(PathBuf);

impl LogDirectory {
    pub(super) fn new(all: &Path, namespace: &str, pod: &str, uid: &str, container: &str) -> Self {
        Self(all.join(format!("{namespace}_{pod}_{uid}")).join(container))
    }

    pub(super) fn file(&self, run: u32) -> PathBuf {
        self.0.join(format!("{run}.log"))
    }

    /// Opens the log of a run, and forgets the one before the previous.
    pub(super) fn open(&self, run: u32) -> Result<LogWriter, NodeError> {
        fs::create_dir_all(&self.0).map_err(NodeError::file("create the directory", &self.0))?;
        if let Some(old) = run.checked_sub(2) {
            let _ = fs::remove_file(self.file(old));
        }
        let path = self.file(run);
        let file = fs::File::create(&path).map_err(NodeError::file("create", &path))?;
        Ok(LogWriter { file: File::from_std(file) })
    }
}

/// Where a run's output goes.
#[derive(Debug)]
pub(super) struct LogWriter {
    file: File,
}

impl LogWriter {
    /// Copies both streams until both end.
    pub(super) fn follow(
        mut self,
        stdout: impl AsyncRead + Send + Unpin + 'static,
        stderr: impl AsyncRead + Send + Unpin + 'static,
    ) -> JoinHandle<()> {
        let (lines, mut inbox) = mpsc::channel::<Vec<u8>>(LINES_IN_FLIGHT);
        tokio::spawn(read_lines(stdout, "stdout", lines.clone()));
        tokio::spawn(read_lines(stderr, "stderr", lines));
        tokio::spawn(async move {
            while let Some(line) = inbox.recv().await {
                if self.file.write_all(&line).await.is_err() {
                    break;
                }
                if inbox.is_empty() {
                    let _ = self.file.flush().await;
                }
            }
            let _ = self.file.flush().await;
        })
    }
}

async fn read_lines(stream: impl AsyncRead + Unpin, name: &str, lines: mpsc::Sender<Vec<u8>>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = tokio::io::AsyncReadExt::take(&mut reader, LINE_BYTES_MAX as u64);
        match bounded.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let tag = if line.last() == Some(&b'\n') { 'F' } else { 'P' };
        let mut record = format!("{} {name} {tag} ", Timestamp::now()).into_bytes();
        record.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(&line));
        record.push(b'\n');
        if lines.send(record).await.is_err() {
            return;
        }
    }
}

/// Renders a log as a client asked for it. `ended` says whether more can come.
pub(super) fn read(
    path: PathBuf,
    options: LogOptions,
    ended: impl Fn() -> bool + Send + 'static,
) -> impl AsyncRead + Send + Unpin {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        // A client that went away ends the copy.
        let _ = copy(&path, &options, ended, theirs).await;
    });
    ours
}

async fn copy(
    path: &Path,
    options: &LogOptions,
    ended: impl Fn() -> bool,
    mut out: tokio::io::DuplexStream,
) -> std::io::Result<()> {
    let mut limit = options.limit_bytes.unwrap_or(u64::MAX);
    let mut file = BufReader::new(File::open(path).await?);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut is_history = true;
    let mut line = Vec::new();
    loop {
        // Asked before reading, so that what was written before the end is read after it.
        let was_over = ended();
        let read = file.read_until(b'\n', &mut line).await?;
        if read > 0 && line.last() == Some(&b'\n') {
            let rendered = render_line(&line, options);
            line.clear();
            match rendered {
                Some(rendered) if is_history && options.tail_lines.is_some() => kept.push(rendered),
                Some(rendered) => write_limited(&mut out, &rendered, &mut limit).await?,
                None => {}
            }
            continue;
        }
        if is_history {
            is_history = false;
            let wanted =
                options.tail_lines.map_or(kept.len(), |tail| usize::try_from(tail).unwrap_or(usize::MAX));
            for rendered in kept.drain(..).skip_while_len(wanted) {
                write_limited(&mut out, &rendered, &mut limit).await?;
            }
        }
        if !options.follow || was_over || limit == 0 {
            return out.shutdown().await;
        }
        tokio::time::sleep(FOLLOW_POLL).await;
    }
}

/// The last `wanted` of an iterator that knows its length.
trait SkipWhileLen: ExactSizeIterator + Sized {
    fn skip_while_len(self, wanted: usize) -> std::iter::Skip<Self> {
        let surplus = self.len().saturating_sub(wanted);
        self.skip(surplus)
    }
}

impl<I: ExactSizeIterator> SkipWhileLen for I {}

async fn write_limited(
    out: &mut tokio::io::DuplexStream,
    bytes: &[u8],
    limit: &mut u64,
) -> std::io::Result<()> {
    let wanted = bytes.len().min(usize::try_from(*limit).unwrap_or(usize::MAX));
    *limit -= wanted as u64;
    out.write_all(&bytes[..wanted]).await
}

/// A stored line as the client sees it, none if it is older than the client wants.
fn render_line(stored: &[u8], options: &LogOptions) -> Option<Vec<u8>> {
    let mut parts = stored.splitn(4, |byte| *byte == b' ');
    let time = parts.next()?;
    let _stream = parts.next()?;
    let tag = parts.next()?;
    let text = parts.next()?;
    if let Some(since) = options.since {
        let written: Timestamp = std::str::from_utf8(time).ok()?.parse().ok()?;
        if written < since {
            return None;
        }
    }
    let mut rendered = Vec::with_capacity(stored.len());
    if options.timestamps {
        rendered.extend_from_slice(time);
        rendered.push(b' ');
    }
    rendered.extend_from_slice(if tag == b"P" { text.strip_suffix(b"\n").unwrap_or(text) } else { text });
    Some(rendered)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Writes text through the log of a run that has ended, and reads it back.
    async fn check(text: &'static str, options: LogOptions, expected: &str) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let logs = LogDirectory::new(directory.path(), "default", "redis-0", "1", "redis");
        let writer = logs.open(0).expect("a log");
        writer.follow(text.as_bytes(), tokio::io::empty()).await.expect("copied");
        let mut read_back = String::new();
        read(logs.file(0), options, || true).read_to_string(&mut read_back).await.expect("read");
        assert_eq!(read_back, expected);
    }

    #[tokio::test]
    async fn a_log_reads_back_as_it_was_written() {
        check("one\ntwo\n", LogOptions::default(), "one\ntwo\n").await;
    }

    #[tokio::test]
    async fn a_tail_is_the_last_lines() {
        check(
            "one\ntwo\nthree\n",
            LogOptions { tail_lines: Some(2), ..LogOptions::default() },
            "two\nthree\n",
        )
        .await;
        check("one\n", LogOptions { tail_lines: Some(5), ..LogOptions::default() }, "one\n").await;
        check("one\n", LogOptions { tail_lines: Some(0), follow: true, ..LogOptions::default() }, "").await;
    }

    #[tokio::test]
    async fn a_limit_cuts_in_the_middle_of_a_line() {
        check("one\ntwo\n", LogOptions { limit_bytes: Some(5), ..LogOptions::default() }, "one\nt").await;
    }

    #[tokio::test]
    async fn a_last_line_without_an_end_is_kept_as_it_is() {
        check("one\ntw", LogOptions::default(), "one\ntw").await;
    }

    #[tokio::test]
    async fn what_is_older_than_wanted_is_left_out() {
        let since = Some(Timestamp::MAX);
        check("one\n", LogOptions { since, ..LogOptions::default() }, "").await;
    }
}
