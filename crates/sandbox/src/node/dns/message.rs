//! DNS messages (RFC 1035): one question in, A records out.

use std::net::Ipv4Addr;

const TYPE_A: u16 = 1;
const CLASS_IN: u16 = 1;
const HEADER_BYTES: usize = 12;
/// Addresses change with every restarted pod, and clients inside the sandbox ask often and cheaply.
const TTL_SECONDS: u32 = 0;
/// 16 bytes each after a header and a name of at most 255: under 512 in all.
pub(super) const DATAGRAM_ANSWERS_MAX: usize = 14;

const CODE_NOT_IMPLEMENTED: u8 = 4;
const CODE_NO_SUCH_NAME: u8 = 3;

/// A query with one question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    id: u16,
    opcode: u8,
    recursion_desired: bool,
    /// Lower case, without the final dot.
    pub(super) name: String,
    record_type: u16,
    class: u16,
    /// The question as it came, to be repeated in the answer: resolvers compare it, letter case and all.
    question: Vec<u8>,
}

impl Query {
    /// None for what is no query with one question: it gets no answer, as a stray datagram should.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES)?;
        let is_response = header[2] & 0x80 != 0;
        if is_response || read_u16(header, 4)? != 1 {
            return None;
        }
        let mut labels = Vec::new();
        let mut at = HEADER_BYTES;
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1;
            match length {
                0 => break,
                1..=63 => labels.push(String::from_utf8_lossy(bytes.get(at..at + length)?).to_lowercase()),
                // A question has nothing to point back to.
                _ => return None,
            }
            at += length;
        }
        Some(Self {
            id: read_u16(header, 0)?,
            opcode: (header[2] >> 3) & 0x0f,
            recursion_desired: header[2] & 1 != 0,
            name: labels.join("."),
            record_type: read_u16(bytes, at)?,
            class: read_u16(bytes, at + 2)?,
            question: bytes[HEADER_BYTES..at + 4].to_vec(),
        })
    }

    /// The answer: `found` are the name's addresses, none if there is no such name.
    pub(super) fn render_answer(&self, found: Option<&[Ipv4Addr]>, answers_max: usize) -> Vec<u8> {
        let wanted = self.opcode == 0 && self.class == CLASS_IN && self.record_type == TYPE_A;
        let addresses = found.filter(|_| wanted).unwrap_or_default();
        let addresses = &addresses[..addresses.len().min(answers_max)];
        let code = match found {
            _ if self.opcode != 0 => CODE_NOT_IMPLEMENTED,
            None => CODE_NO_SUCH_NAME,
            Some(_) => 0,
        };
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.question.len() + 16 * addresses.len());
        bytes.extend(self.id.to_be_bytes());
        // A response, authoritative; recursion is said to be available so that no resolver looks elsewhere.
        bytes.push(0x84 | (self.opcode << 3) | u8::from(self.recursion_desired));
        bytes.push(0x80 | code);
        for count in [1, u16::try_from(addresses.len()).unwrap_or(u16::MAX), 0, 0] {
            bytes.extend(count.to_be_bytes());
        }
        bytes.extend(&self.question);
        for address in addresses {
            // The name is a pointer to the question's.
            bytes.extend([0xc0, 0x0c]);
            bytes.extend(TYPE_A.to_be_bytes());
            bytes.extend(CLASS_IN.to_be_bytes());
            bytes.extend(TTL_SECONDS.to_be_bytes());
            bytes.extend(4u16.to_be_bytes());
            bytes.extend(address.octets());
        }
        bytes
    }
}

fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE_AAAA: u16 = 28;

    fn question(name: &str, record_type: u16) -> Vec<u8> {
        let mut bytes = vec![0xab, 0xcd, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            bytes.push(u8::try_from(label.len()).expect("a short label"));
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend(record_type.to_be_bytes());
        bytes.extend(CLASS_IN.to_be_bytes());
        bytes
    }

    /// The response code and the number of answers.
    fn check(record_type: u16, found: Option<&[Ipv4Addr]>) -> (u8, u16) {
        let query = Query::parse(&question("Redis.default", record_type)).expect("a query");
        assert_eq!(query.name, "redis.default");
        let answer = query.render_answer(found, DATAGRAM_ANSWERS_MAX);
        assert_eq!(answer[..2], [0xab, 0xcd], "the id comes back");
        assert!(answer.windows(5).any(|bytes| bytes == b"Redis"), "the question comes back as it was");
        (answer[3] & 0x0f, read_u16(&answer, 6).expect("a count"))
    }

    #[test]
    fn an_existing_name_has_its_addresses() {
        let address = [Ipv4Addr::new(10, 244, 0, 10)];
        assert_eq!(check(TYPE_A, Some(&address)), (0, 1));
    }

    #[test]
    fn an_existing_name_has_no_ipv6_address_and_no_error() {
        let address = [Ipv4Addr::new(10, 244, 0, 10)];
        assert_eq!(check(TYPE_AAAA, Some(&address)), (0, 0));
    }

    #[test]
    fn a_missing_name_is_an_error_for_both() {
        assert_eq!(check(TYPE_A, None), (CODE_NO_SUCH_NAME, 0));
        assert_eq!(check(TYPE_AAAA, None), (CODE_NO_SUCH_NAME, 0));
    }

    #[test]
    fn a_datagram_is_never_overfilled() {
        let many = vec![Ipv4Addr::LOCALHOST; 100];
        assert_eq!(check(TYPE_A, Some(&many)).1, 14);
    }

    #[test]
    fn what_is_no_query_gets_no_answer() {
        let whole = question("redis", TYPE_A);
        for length in 0..whole.len() {
            assert_eq!(Query::parse(&whole[..length]), None, "{length} bytes");
        }
    }
}
