//! Bytes that are no text, carried inside text.
//!
//! Go's strings hold any bytes, and charts pass archives and keys through them
//! (`.Files.Get "a.gz" | b64enc`). Ours hold characters: a byte that is no part of one stands as a
//! character of the last plane for private use, until something wants bytes again.

use std::borrow::Cow;

/// Stands for the byte 0; that of the byte 255 is the last character that there is.
const FIRST: u32 = 0x10_FF00;
/// Every character from `FIRST` begins with it in UTF-8.
const LEAD_BYTE: u8 = 0xF4;

/// The byte that a character stands for, if it does.
pub(crate) fn byte_of(character: char) -> Option<u8> {
    u32::from(character).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok())
}

/// Whether no character of the text stands for a byte. Wrong of a few that do not, never of one that does.
fn is_plain(text: &str) -> bool {
    !text.as_bytes().contains(&LEAD_BYTE)
}

/// Bytes as text; those that are no characters stand for themselves.
pub(crate) fn text_of_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(FIRST + u32::from(*byte))));
    }
    text
}

/// The bytes that a text is made of or stands for.
pub(crate) fn bytes_of_text(text: &str) -> Cow<'_, [u8]> {
    if is_plain(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// The text as Go writes it where only text may stand: U+FFFD for each byte that is no character.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let shown =
        |character| if byte_of(character).is_some() { char::REPLACEMENT_CHARACTER } else { character };
    Cow::Owned(text.chars().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use super::{bytes_of_text, printable, text_of_bytes};

    #[test]
    fn bytes_come_back_as_they_were() {
        let all: Vec<u8> = (0..=255).chain("é€😀".bytes()).chain([0xE2, 0x82, 0xF4, 0x8F]).collect();
        let text = text_of_bytes(&all);
        assert_eq!(bytes_of_text(&text), all);
        assert_eq!(bytes_of_text("é"), "é".as_bytes());
        assert_eq!(printable(&text_of_bytes(b"a\xE2\x82b")), "a\u{FFFD}\u{FFFD}b");
    }
}
