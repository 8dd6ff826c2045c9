//! Digests in the form of OCI: an algorithm, a colon, hex digits.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// `sha256:` and 64 hex digits.
pub(super) fn sha256(data: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(data) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The digest in its full form: an index may leave `sha256:` out. `None` for anything else.
pub(super) fn parse(text: &str) -> Option<String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let is_hex = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| format!("sha256:{}", hex.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::{parse, sha256};

    #[test]
    fn reads_digests_with_and_without_their_algorithm() {
        let of_nothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), of_nothing);
        assert_eq!(parse(of_nothing).as_deref(), Some(of_nothing));
        assert_eq!(parse(&of_nothing[7..].to_uppercase()).as_deref(), Some(of_nothing));
        for bad in ["", "sha256:", "sha512:00", "sha256:zz", "../../etc/passwd"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
