//! Randomness and time, as far as the [`World`](crate::template::World) gives them.

use super::{Answer, Function, FunctionError, Host, INT, hosted, integer_of, string};
use crate::value::Value;

const DIGITS: &str = "0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) const TABLE: &[Function] = &[
    hosted("randNumeric", &[INT], None, |host, arguments| pick(host, arguments, DIGITS)),
    hosted("randAlpha", &[INT], None, |host, arguments| pick(host, arguments, LETTERS)),
    hosted("randAlphaNum", &[INT], None, |host, arguments| {
        pick(host, arguments, &format!("{LETTERS}{DIGITS}"))
    }),
    hosted("randAscii", &[INT], None, |host, arguments| {
        pick(host, arguments, &(' '..='~').collect::<String>())
    }),
    hosted("randInt", &[INT, INT], None, random_integer),
    hosted("uuidv4", &[], None, |host, _| uuid(host)),
];

/// One character of the alphabet, each as likely as the others.
fn pick(host: &dyn Host, arguments: &[Value], alphabet: &str) -> Answer {
    let alphabet = alphabet.as_bytes();
    let limit = host.limits().list_length;
    let count = usize::try_from(integer_of(&arguments[0])).unwrap_or(0);
    if count > limit {
        return Err(FunctionError::Limit("length of random text", limit as u64));
    }
    let usable = 256 / alphabet.len() * alphabet.len();
    let mut text = String::with_capacity(count);
    while text.len() < count {
        let mut bytes = [0; 64];
        host.world().fill_random(&mut bytes);
        let fair = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < usable);
        text.extend(fair.take(count - text.len()).map(|byte| char::from(alphabet[byte % alphabet.len()])));
    }
    string(text)
}

/// A number below the bound, each as likely as the others.
pub(super) fn below(host: &dyn Host, bound: u64) -> u64 {
    let mut bytes = [0; 16];
    host.world().fill_random(&mut bytes);
    // 128 bits: the bias of the remainder is beyond measure.
    (u128::from_le_bytes(bytes) % u128::from(bound.max(1))) as u64
}

fn random_integer(host: &mut dyn Host, arguments: &[Value]) -> Answer {
    let (low, high) = (integer_of(&arguments[0]), integer_of(&arguments[1]));
    if high <= low {
        return Err("invalid argument to Intn".into());
    }
    let offset = below(host, high.abs_diff(low));
    Ok(Value::Int(low.wrapping_add_unsigned(offset)))
}

fn uuid(host: &dyn Host) -> Answer {
    let mut bytes = [0; 16];
    host.world().fill_random(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = super::encoding::hexadecimal(&bytes);
    string(format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]))
}
