//! Encodings and checksums.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha512};

use super::{Answer, Function, STRING, fixed, string, text_of};
use crate::value::{Value, bytes_of_text, text_of_bytes};

pub(super) const TABLE: &[Function] = &[
    fixed("b64enc", &[STRING], |arguments| string(STANDARD.encode(bytes_of(&arguments[0])))),
    fixed("b64dec", &[STRING], |arguments| decode_base64(text_of(&arguments[0]))),
    fixed("b32enc", &[STRING], |arguments| string(encode_base32(&bytes_of(&arguments[0])))),
    fixed("b32dec", &[STRING], |arguments| decode_base32(text_of(&arguments[0]))),
    fixed("sha1sum", &[STRING], |arguments| string(hexadecimal(&Sha1::digest(bytes_of(&arguments[0]))))),
    fixed("sha256sum", &[STRING], |arguments| string(hexadecimal(&Sha256::digest(bytes_of(&arguments[0]))))),
    fixed("sha512sum", &[STRING], |arguments| string(hexadecimal(&Sha512::digest(bytes_of(&arguments[0]))))),
    fixed("adler32sum", &[STRING], |arguments| string(adler32(&bytes_of(&arguments[0])).to_string())),
];

/// The bytes of an argument that its signature says is a string.
fn bytes_of(argument: &Value) -> Cow<'_, [u8]> {
    bytes_of_text(text_of(argument))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Undoes `%41` and the like. In a host, Go decodes only what is no ASCII.
///
/// # Errors
/// Go's complaint about an escape that is none.
pub(super) fn percent_decode(text: &str, is_host: bool) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        if bytes[index] != b'%' {
            out.push(bytes[index]);
            index += 1;
            continue;
        }
        let digits = text.get(index + 1..index + 3).filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        let decoded = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        let Some(byte) = decoded.filter(|byte| !is_host || !byte.is_ascii()) else {
            let shown: String = text[index..].chars().take(3).collect();
            return Err(format!("invalid URL escape {}", crate::template::format::quote(&shown)));
        };
        out.push(byte);
        index += 3;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// The decoded text, or the words of Go's error, as Sprig does.
fn decode_base64(text: &str) -> Answer {
    let compact = text.replace(['\n', '\r'], "");
    match STANDARD.decode(&compact) {
        Ok(bytes) => string(text_of_bytes(&bytes)),
        Err(error) => {
            let offset = match error {
                base64::DecodeError::InvalidByte(offset, _)
                | base64::DecodeError::InvalidLastSymbol(offset, _) => offset,
                base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                    compact.len() / 4 * 4
                }
            };
            string(format!("illegal base64 data at input byte {offset}"))
        }
    }
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode_base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut buffer = [0; 5];
        buffer[..chunk.len()].copy_from_slice(chunk);
        let bits = buffer.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        let digits = (chunk.len() * 8).div_ceil(5);
        for index in 0..8 {
            let digit = (bits >> (35 - 5 * index) & 31) as usize;
            out.push(if index < digits { char::from(ALPHABET[digit]) } else { '=' });
        }
    }
    out
}

fn decode_base32(text: &str) -> Answer {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for (offset, digit) in text.bytes().enumerate().take_while(|(_, digit)| *digit != b'=') {
        let Some(value) = ALPHABET.iter().position(|known| *known == digit) else {
            return string(format!("illegal base32 data at input byte {offset}"));
        };
        bits = bits << 5 | value as u32;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    string(text_of_bytes(&bytes))
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % MODULUS;
        (low, (high + low) % MODULUS)
    });
    high << 16 | low
}
