//! Private keys, in the forms that Go's `crypto/x509` writes: PKCS#1 for RSA, SEC 1 for ECDSA, PKCS#8
//! for Ed25519.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData as _, RsaKeySize};

use crate::functions::{Answer, COSTLY, Function, Host, STRING, hosted, string, text_of};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[hosted("genPrivateKey", &[STRING], None, generate).costing(COSTLY)];

fn generate(host: &mut dyn Host, arguments: &[Value]) -> Answer {
    // The world learns that this is random; the key is the library's own.
    host.world().fill_random(&mut [0; 1]);
    let failed = |error: rcgen::Error| format!("failed to generate private key: {error}");
    let key = match text_of(&arguments[0]) {
        "" | "rsa" => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096),
        "ecdsa" => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        "ed25519" => KeyPair::generate_for(&PKCS_ED25519),
        "dsa" => return Err("dsa keys are not supported: use rsa, ecdsa or ed25519".into()),
        other => return string(format!("Unknown type {other}")),
    };
    string(to_pem(&key.map_err(failed)?))
}

/// A key, and the text that templates get.
pub(super) struct PrivateKey {
    pub(super) pair: KeyPair,
    pub(super) pem: String,
}

/// A new RSA key, as Sprig makes it for each certificate.
pub(super) fn new_rsa() -> Result<PrivateKey, String> {
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048);
    let pair = pair.map_err(|error| format!("error generating rsa key: {error}"))?;
    Ok(PrivateKey { pem: to_pem(&pair), pair })
}

/// Reads the first key of a PEM text. One in a form of its own keeps it; PKCS#8 is unpacked.
pub(super) fn parse(pem: &str) -> Result<PrivateKey, String> {
    let Ok((_, block)) = x509_parser::pem::parse_x509_pem(pem.as_bytes()) else {
        return Err("no PEM data in input".to_owned());
    };
    let pair = KeyPair::from_pem(pem).map_err(|error| format!("the private key cannot be read: {error}"))?;
    let pem = match block.label.as_str() {
        "PRIVATE KEY" => to_pem(&pair),
        own => pem_text(own, &block.contents),
    };
    Ok(PrivateKey { pair, pem })
}

/// One element of DER: its tag, its content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(*first & 0x7f);
        let digits = rest.get(..count).filter(|digits| digits.len() <= 4)?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), &rest[count..])
    };
    Some((*tag, rest.get(..length)?, &rest[length..]))
}

/// The key inside a PKCS#8 document: version, algorithm, and then the octets that hold it.
fn inner_key(pkcs8: &[u8]) -> Option<&[u8]> {
    let (_, document, _) = element(pkcs8)?;
    let (_, _, rest) = element(document)?;
    let (_, _, rest) = element(rest)?;
    element(rest).map(|(_, key, _)| key)
}

/// `ECPrivateKey` as Go writes it: with the curve and the public key, which PKCS#8 may leave out.
fn ec_private_key(secret: &[u8], public: &[u8]) -> Vec<u8> {
    /// The object identifier of P-256.
    const CURVE: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let mut body = vec![0x02, 0x01, 0x01, 0x04, secret.len() as u8];
    body.extend_from_slice(secret);
    body.extend_from_slice(&CURVE);
    let bits = public.len() as u8 + 1;
    body.extend_from_slice(&[0xa1, bits + 2, 0x03, bits, 0x00]);
    body.extend_from_slice(public);
    let mut whole = vec![0x30, body.len() as u8];
    whole.append(&mut body);
    whole
}

/// Writes a key that is held as PKCS#8 in the form of its own kind.
fn to_pem(key: &KeyPair) -> String {
    let pkcs8 = key.serialize_der();
    let is = |algorithm| key.algorithm() == algorithm;
    if is(&PKCS_ECDSA_P256_SHA256) {
        let secret = inner_key(&pkcs8).and_then(|inner| element(inner)).and_then(|(_, body, _)| {
            let (_, _, rest) = element(body)?;
            element(rest).map(|(_, secret, _)| secret.to_vec())
        });
        if let Some(secret) = secret {
            return pem_text("EC PRIVATE KEY", &ec_private_key(&secret, key.der_bytes()));
        }
    } else if is(&PKCS_RSA_SHA256) {
        return pem_text("RSA PRIVATE KEY", inner_key(&pkcs8).unwrap_or(&pkcs8));
    }
    pem_text("PRIVATE KEY", &pkcs8)
}

/// PEM with lines of 64 characters.
pub(super) fn pem_text(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}
