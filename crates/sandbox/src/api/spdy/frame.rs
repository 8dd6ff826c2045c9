//! One frame: its head of eight bytes and what follows.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::SpdyError;
use super::headers::{Inflater, Replies};

const VERSION: u16 = 3;
const HEAD_BYTES: usize = 8;
/// kubectl sends 32 KiB at once.
const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;
/// The flag of the last frame that a side sends on a stream.
const FIN: u8 = 1;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) enum Frame {
    /// The client opens a stream.
    Open {
        stream: u32,
        headers: Vec<(String, String)>,
        is_last: bool,
    },
    /// The server accepts it.
    Accepted {
        stream: u32,
    },
    Data {
        stream: u32,
        bytes: Bytes,
        is_last: bool,
    },
    /// A side gives a stream up.
    Reset {
        stream: u32,
    },
    /// Is answered by the same.
    Ping {
        id: u32,
    },
    /// The other side opens no more streams.
    GoAway,
    /// Something that needs no answer.
    Other,
}

/// Both directions of one connection, whose header blocks are compressed as one text.
#[derive(Default)]
pub(in crate::api) struct Codec {
    inflater: Inflater,
    replies: Replies,
}

impl Decoder for Codec {
    type Item = Frame;
    type Error = SpdyError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, SpdyError> {
        let Some(mut head) = buffer.get(..HEAD_BYTES) else { return Ok(None) };
        let (first, second) = (head.get_u32(), head.get_u32());
        let [flags, length @ ..] = second.to_be_bytes();
        let length = usize::from(length[0]) << 16 | usize::from(length[1]) << 8 | usize::from(length[2]);
        if length > PAYLOAD_BYTES_MAX {
            return Err(SpdyError::TooLong { found: length, limit: PAYLOAD_BYTES_MAX });
        }
        if buffer.len() < HEAD_BYTES + length {
            buffer.reserve(HEAD_BYTES + length - buffer.len());
            return Ok(None);
        }
        buffer.advance(HEAD_BYTES);
        let payload = buffer.split_to(length).freeze();
        let is_last = flags & FIN != 0;
        if first >> 31 == 0 {
            return Ok(Some(Frame::Data { stream: first, bytes: payload, is_last }));
        }
        let [version, kind] = [first >> 16 & 0x7fff, first & 0xffff].map(|half| half as u16);
        if version != VERSION {
            return Err(SpdyError::Version(version));
        }
        self.control(kind, is_last, payload).map(Some)
    }
}

impl Codec {
    fn control(&mut self, kind: u16, is_last: bool, mut payload: Bytes) -> Result<Frame, SpdyError> {
        let number = |payload: &mut Bytes| {
            let number = payload.try_get_u32().map_err(|_| SpdyError::Short(kind))?;
            Ok::<_, SpdyError>(number & 0x7fff_ffff)
        };
        Ok(match kind {
            SYN_STREAM => {
                let stream = number(&mut payload)?;
                // The stream that this one belongs to, its priority and its slot.
                payload.try_get_uint(6).map_err(|_| SpdyError::Short(kind))?;
                Frame::Open { stream, headers: self.inflater.headers(&payload)?, is_last }
            }
            RST_STREAM => Frame::Reset { stream: number(&mut payload)? },
            PING => Frame::Ping { id: payload.try_get_u32().map_err(|_| SpdyError::Short(kind))? },
            GOAWAY => Frame::GoAway,
            _ => Frame::Other,
        })
    }
}

impl Encoder<Frame> for Codec {
    type Error = SpdyError;

    fn encode(&mut self, frame: Frame, buffer: &mut BytesMut) -> Result<(), SpdyError> {
        match frame {
            Frame::Data { stream, bytes, is_last } => {
                buffer.put_u32(stream);
                buffer.put_u8(u8::from(is_last) * FIN);
                buffer.put_uint(bytes.len() as u64, 3);
                buffer.put(bytes);
            }
            Frame::Accepted { stream } => {
                let block = self.replies.empty_block();
                put_control(buffer, SYN_REPLY, 4 + block.len());
                buffer.put_u32(stream);
                buffer.put(block.as_slice());
            }
            Frame::Reset { stream } => {
                const INTERNAL_ERROR: u32 = 6;
                put_control(buffer, RST_STREAM, 8);
                buffer.put_u32(stream);
                buffer.put_u32(INTERNAL_ERROR);
            }
            Frame::Ping { id } => {
                put_control(buffer, PING, 4);
                buffer.put_u32(id);
            }
            Frame::Open { .. } | Frame::GoAway | Frame::Other => {}
        }
        Ok(())
    }
}

fn put_control(buffer: &mut BytesMut, kind: u16, length: usize) {
    buffer.put_u16(0x8000 | VERSION);
    buffer.put_u16(kind);
    buffer.put_u8(0);
    buffer.put_uint(length as u64, 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client's bytes are read as, however they are cut.
    fn check(bytes: &[u8], expected: &[Frame]) {
        for cut in 0..bytes.len() {
            let mut codec = Codec::default();
            let mut found = Vec::new();
            let mut buffer = BytesMut::from(&bytes[..cut]);
            while let Some(frame) = codec.decode(&mut buffer).expect("well formed") {
                found.push(frame);
            }
            buffer.extend_from_slice(&bytes[cut..]);
            while let Some(frame) = codec.decode(&mut buffer).expect("well formed") {
                found.push(frame);
            }
            assert_eq!(found, expected, "cut at {cut}");
        }
    }

    fn encoded(frames: Vec<Frame>) -> Vec<u8> {
        let mut buffer = BytesMut::new();
        let mut codec = Codec::default();
        for frame in frames {
            codec.encode(frame, &mut buffer).expect("encoded");
        }
        buffer.to_vec()
    }

    #[test]
    fn frames_are_read_as_they_were_written() {
        let frames = vec![
            Frame::Data { stream: 3, bytes: Bytes::from_static(b"PING\r\n"), is_last: false },
            Frame::Data { stream: 3, bytes: Bytes::new(), is_last: true },
            Frame::Reset { stream: 5 },
            Frame::Ping { id: 0x8000_0001 },
        ];
        check(&encoded(frames.clone()), &frames);
    }

    #[test]
    fn a_frame_that_is_too_long_or_of_another_version_is_refused() {
        let refuse = |bytes: &[u8]| {
            let refused = Codec::default().decode(&mut BytesMut::from(bytes)).expect_err("refused");
            refused.to_string()
        };
        assert!(refuse(&[0, 0, 0, 1, 0, 0xff, 0xff, 0xff]).contains("16777215 bytes is longer"));
        assert!(refuse(&[0x80, 2, 0, 1, 0, 0, 0, 0]).contains("version 2"));
    }

    #[test]
    fn the_first_reply_begins_the_compressed_text_and_the_next_goes_on() {
        let bytes = encoded(vec![Frame::Accepted { stream: 1 }, Frame::Accepted { stream: 3 }]);
        let block = [0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        let mut expected = vec![0x80, 3, 0, 2, 0, 0, 0, 20, 0, 0, 0, 1, 0x78, 1];
        expected.extend(block);
        expected.extend([0x80, 3, 0, 2, 0, 0, 0, 18, 0, 0, 0, 3]);
        expected.extend(block);
        assert_eq!(bytes, expected);
    }
}
