//! Passwords that are made here.

use rand::seq::IndexedRandom;

use crate::kubernetes::Password;

/// The characters that neither redis.conf nor haproxy needs quoted.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// About 190 bits.
const LENGTH: usize = 32;

/// A new random password.
pub fn generate() -> Password {
    let mut random = rand::rng();
    let letters =
        (0..LENGTH).map(|_| char::from(*ALPHABET.choose(&mut random).expect("the alphabet is not empty")));
    Password::new(letters.collect::<String>())
}
