//! Passwords: hashed, derived, and used to encrypt.

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::functions::{
    Answer, COSTLY, Function, FunctionError, Host, INT, STRING, fixed, hosted, integer_of, string, text_of,
};
use crate::value::{Value, text_of_bytes};

pub(super) const TABLE: &[Function] = &[
    hosted("bcrypt", &[STRING], None, |host, arguments| string(bcrypt_of(host, text_of(&arguments[0]))))
        .costing(COSTLY),
    hosted("htpasswd", &[STRING, STRING], None, |host, arguments| {
        let (user, password) = (text_of(&arguments[0]), text_of(&arguments[1]));
        if user.contains(':') {
            return string(format!("invalid username: {user}"));
        }
        string(format!("{user}:{}", bcrypt_of(host, password)))
    })
    .costing(COSTLY),
    hosted("randBytes", &[INT], None, random_bytes),
    fixed("derivePassword", &[INT, STRING, STRING, STRING, STRING], derive_password).costing(COSTLY),
    hosted("encryptAES", &[STRING, STRING], None, encrypt),
    fixed("decryptAES", &[STRING, STRING], decrypt),
];

/// Go's default cost.
const BCRYPT_COST: u32 = 10;
const BCRYPT_BYTES_MAX: usize = 72;

/// A hash in Go's form, `$2a$`. A password that is too long is an error that Sprig returns as text.
fn bcrypt_of(host: &dyn Host, password: &str) -> String {
    if password.len() > BCRYPT_BYTES_MAX {
        let reason = "bcrypt: password length exceeds 72 bytes";
        return format!("failed to encrypt string with bcrypt: {reason}");
    }
    let mut salt = [0; 16];
    host.world().fill_random(&mut salt);
    match bcrypt::hash_with_salt(password, BCRYPT_COST, salt) {
        Ok(parts) => parts.format_for_version(bcrypt::Version::TwoA),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
    }
}

fn random_bytes(host: &mut dyn Host, arguments: &[Value]) -> Answer {
    let limit = host.limits().list_length;
    let Ok(count) = usize::try_from(integer_of(&arguments[0])) else {
        return Err("runtime error: makeslice: len out of range".into());
    };
    if count > limit {
        return Err(FunctionError::Limit("length of random text", limit as u64));
    }
    let mut bytes = vec![0; count];
    host.world().fill_random(&mut bytes);
    string(STANDARD.encode(bytes))
}

const SEED: &[u8] = b"com.lyndir.masterpassword";

/// The shapes of Master Password's kinds; each letter stands for a set of characters.
fn shapes(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// Master Password, version 1 of its algorithm.
fn derive_password(arguments: &[Value]) -> Answer {
    let [kind, password, user, site] = [1, 2, 3, 4].map(|index| text_of(&arguments[index]));
    let Ok(counter) = u32::try_from(integer_of(&arguments[0])) else {
        return Err("the counter is no unsigned 32-bit number".into());
    };
    let Some(shapes) = shapes(kind) else {
        return string(format!("cannot find password template {kind}"));
    };
    let length = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let failed = |error: &dyn std::fmt::Display| format!("failed to derive password: {error}");
    let salt = [SEED, &length(user), user.as_bytes()].concat();
    let parameters = scrypt::Params::new(15, 8, 2).map_err(|error| failed(&error))?;
    let mut key = [0; 64];
    scrypt::scrypt(password.as_bytes(), &salt, &parameters, &mut key).map_err(|error| failed(&error))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| failed(&error))?;
    mac.update(&[SEED, &length(site), site.as_bytes(), &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();
    let shape = shapes[usize::from(seed[0]) % shapes.len()];
    let pick = |(class, random): (u8, &u8)| {
        let set = characters(class);
        char::from(set[usize::from(*random) % set.len()])
    };
    string(shape.bytes().zip(&seed[1..]).map(pick).collect::<String>())
}

/// AES-256 in CBC mode; the key is the password, cut or filled with zeros.
fn cipher_key(password: &str) -> Result<UnboundCipherKey, FunctionError> {
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password.as_bytes()[..length]);
    UnboundCipherKey::new(&AES_256, &key).map_err(|_| "the key is not accepted".into())
}

const BLOCK_BYTES: usize = 16;

fn encrypt(host: &mut dyn Host, arguments: &[Value]) -> Answer {
    let (password, text) = (text_of(&arguments[0]), text_of(&arguments[1]));
    if text.is_empty() {
        return string("");
    }
    let mut iv = [0; BLOCK_BYTES];
    host.world().fill_random(&mut iv);
    let failed = |_| FunctionError::from("the text cannot be encrypted");
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(cipher_key(password)?).map_err(failed)?;
    let mut bytes = text.as_bytes().to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(&mut bytes, context).map_err(failed)?;
    string(STANDARD.encode([iv.as_slice(), &bytes].concat()))
}

fn decrypt(arguments: &[Value]) -> Answer {
    let (password, text) = (text_of(&arguments[0]), text_of(&arguments[1]));
    if text.is_empty() {
        return string("");
    }
    let mut bytes = STANDARD.decode(text).map_err(|error| format!("the text is no base64: {error}"))?;
    if bytes.len() < 2 * BLOCK_BYTES || bytes.len() % BLOCK_BYTES != 0 {
        return Err(format!("{} bytes are no whole AES blocks behind an IV", bytes.len()).into());
    }
    let mut content = bytes.split_off(BLOCK_BYTES);
    let failed = |_| FunctionError::from("the text cannot be decrypted with this password");
    let iv: [u8; BLOCK_BYTES] = bytes.as_slice().try_into().map_err(|_| "the IV is not 16 bytes")?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(cipher_key(password)?).map_err(failed)?;
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let plain = key.decrypt(&mut content, context).map_err(failed)?;
    string(text_of_bytes(plain))
}
