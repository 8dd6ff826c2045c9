//! Header blocks: names and values, compressed by zlib with the dictionary that the protocol fixes.

use bytes::Buf as _;
use flate2::{Decompress, FlushDecompress, Status};

use super::SpdyError;

/// A stream has a handful of short headers.
const BLOCK_BYTES_MAX: usize = 64 * 1024;
/// In zlib's second byte: the number of a dictionary follows.
const HAS_DICTIONARY: u8 = 0x20;
const ZLIB_HEAD: [u8; 2] = [0x78, 0x01];

/// The dictionary's words, each of which its length in four bytes precedes (SPDY draft 3.1, section 2.6.10.1).
const WORDS: &str = "options head post put delete trace accept accept-charset accept-encoding accept-language \
    accept-ranges age allow authorization cache-control connection content-base content-encoding content-language \
    content-length content-location content-md5 content-range content-type date etag expect expires from host \
    if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma \
    proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade \
    user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie \
    keep-alive origin";
/// The dictionary's end.
const TAIL: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505\
    203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden\
    404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug \
    Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,\
    application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch\
    charset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

fn dictionary() -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in WORDS.split_ascii_whitespace() {
        bytes.extend((word.len() as u32).to_be_bytes());
        bytes.extend(word.replace('_', " ").bytes());
    }
    bytes.extend(TAIL.bytes());
    bytes
}

/// Bytes as deflate stores what it does not compress, in a block that is not the last.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a stored block is short");
    let mut block = vec![0];
    block.extend(length.to_le_bytes());
    block.extend((!length).to_le_bytes());
    block.extend(bytes);
    block
}

/// Reads the blocks of one connection, which are one compressed text.
pub(super) struct Inflater {
    inner: Decompress,
    has_begun: bool,
}

impl Default for Inflater {
    /// Raw deflate after a first block that holds the dictionary is what zlib makes of a dictionary.
    fn default() -> Self {
        let mut inflater = Self { inner: Decompress::new(false), has_begun: false };
        inflater.inflate(&stored(&dictionary())).expect("a stored block is well formed");
        inflater
    }
}

impl Inflater {
    /// The headers of the next block, names in lower case.
    pub(super) fn headers(&mut self, mut block: &[u8]) -> Result<Vec<(String, String)>, SpdyError> {
        if !self.has_begun {
            let [_, flags, rest @ ..] = block else { return Err(broken("it has no beginning")) };
            let skipped = if flags & HAS_DICTIONARY == 0 { 0 } else { 4 };
            block = rest.get(skipped..).ok_or_else(|| broken("its dictionary has no number"))?;
            self.has_begun = true;
        }
        let text = self.inflate(block)?;
        parse(&text).ok_or_else(|| broken("it ends early"))
    }

    fn inflate(&mut self, mut block: &[u8]) -> Result<Vec<u8>, SpdyError> {
        let mut text = Vec::with_capacity(4096);
        loop {
            let before = (self.inner.total_in(), text.len());
            let status = self
                .inner
                .decompress_vec(block, &mut text, FlushDecompress::Sync)
                .map_err(|source| broken(&source.to_string()))?;
            let taken = usize::try_from(self.inner.total_in() - before.0).unwrap_or(block.len());
            block = &block[taken..];
            let is_full = text.len() == text.capacity();
            if is_full && text.len() < BLOCK_BYTES_MAX {
                text.reserve(4096);
                continue;
            }
            let is_stuck = taken == 0 && text.len() == before.1;
            if block.is_empty() || is_stuck || status == Status::StreamEnd {
                return if is_full { Err(broken("it is too long")) } else { Ok(text) };
            }
        }
    }
}

fn broken(why: &str) -> SpdyError {
    SpdyError::Headers(why.to_owned())
}

/// A count, then names and values, each after its length.
fn parse(mut text: &[u8]) -> Option<Vec<(String, String)>> {
    let count = text.try_get_u32().ok()?;
    let mut word = || {
        let length = usize::try_from(text.try_get_u32().ok()?).ok()?;
        let (word, rest) = text.split_at_checked(length)?;
        text = rest;
        Some(String::from_utf8_lossy(word).into_owned())
    };
    (0..count).map(|_| Some((word()?.to_lowercase(), word()?))).collect()
}

/// Writes the blocks of one connection; all that is ever answered is that a stream was accepted.
#[derive(Default)]
pub(super) struct Replies {
    have_begun: bool,
}

impl Replies {
    /// A block without headers. An empty stored block follows, as a compressor that flushes writes one.
    pub(super) fn empty_block(&mut self) -> Vec<u8> {
        let mut block = if self.have_begun { Vec::new() } else { ZLIB_HEAD.to_vec() };
        self.have_begun = true;
        block.extend(stored(&0_u32.to_be_bytes()));
        block.extend(stored(&[]));
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// zlib's checksum, by which a compressed text names its dictionary.
    fn adler32(bytes: &[u8]) -> u32 {
        let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
            let low = (low + u32::from(*byte)) % 65_521;
            (low, (high + low) % 65_521)
        });
        high << 16 | low
    }

    #[test]
    fn the_dictionary_has_the_number_that_clients_name() {
        assert_eq!((dictionary().len(), adler32(&dictionary())), (1423, 0xe3c6_a7c2));
    }

    #[test]
    fn reads_blocks_that_refer_to_the_dictionary_and_to_each_other() {
        // Two blocks that zlib's own compressor wrote with the dictionary.
        let first = "78f9e3c6a7c202253a703a2b294a4dcc851625aca9a0808614cb45e01c60666c6e09a4398b20d198094ade8c0600000000ffff";
        let second = "c2aa19540e2512d60b000000ffff";
        let mut inflater = Inflater::default();
        for (block, stream_type) in [(first, "error"), (second, "data")] {
            let headers = inflater.headers(&unhex(block)).expect("a block");
            let wanted = [("streamtype", stream_type), ("port", "6379"), ("requestid", "0")];
            assert_eq!(headers, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
    }

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for block in [&b""[..], b"\x78", b"\x78\xbb\x00", b"\x78\x01\xff\xff\xff"] {
            Inflater::default().headers(block).expect_err("refused");
        }
    }
}
