//! The order of keys in written YAML: numbers inside keys count as numbers, so `a2` precedes `a10`.

use std::cmp::Ordering;

/// Where a letter goes that meets something else behind equal digits: go-yaml v2 puts it last as
/// everywhere, v3 (of `toYamlPretty`) first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BehindDigits {
    LettersLast,
    LettersFirst,
}

/// Sorts entries by their keys. Go's order may say of three keys that each precedes the next: that is no
/// order to the standard library, which may panic at it, so that this is a merge sort of our own.
pub(super) fn sort<T>(mut entries: Vec<(String, T)>, digits: BehindDigits) -> Vec<(String, T)> {
    if entries.len() < 2 {
        return entries;
    }
    let later = entries.split_off(entries.len() / 2);
    let mut sorted = Vec::with_capacity(entries.len() + later.len());
    let mut left = sort(entries, digits).into_iter().peekable();
    let mut right = sort(later, digits).into_iter().peekable();
    while let (Some((first, _)), Some((second, _))) = (left.peek(), right.peek()) {
        let next = if compare(first, second, digits).is_gt() { right.next() } else { left.next() };
        sorted.extend(next);
    }
    sorted.extend(left);
    sorted.extend(right);
    sorted
}

/// Compares two keys: at the first difference, runs of digits compare by value, and letters follow
/// everything that is no letter.
fn compare(left: &str, right: &str, digits: BehindDigits) -> Ordering {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let Some(at) = left.iter().zip(&right).position(|(a, b)| a != b) else {
        return left.len().cmp(&right.len());
    };
    let (a, b) = (left[at], right[at]);
    let letters_first = digits == BehindDigits::LettersFirst && at > 0 && left[at - 1].is_numeric();
    match (a.is_alphabetic(), b.is_alphabetic()) {
        (true, true) => return a.cmp(&b),
        (true, false) => return if letters_first { Ordering::Less } else { Ordering::Greater },
        (false, true) => return if letters_first { Ordering::Greater } else { Ordering::Less },
        (false, false) => {}
    }
    // A zero inside a number that began before the difference still counts as a digit of it.
    let inside_number = (a == '0' || b == '0')
        && left[..at].iter().rev().take_while(|c| c.is_numeric()).any(|digit| *digit != '0');
    let start = u64::from(inside_number);
    let (left_number, left_end) = number_at(&left, at, start);
    let (right_number, right_end) = number_at(&right, at, start);
    left_number.cmp(&right_number).then(left_end.cmp(&right_end)).then(a.cmp(&b))
}

/// The value of the digits from `at` on, and where they end.
fn number_at(text: &[char], at: usize, start: u64) -> (u64, usize) {
    let digits = text[at..].iter().map_while(|character| character.to_digit(10));
    let (mut number, mut end) = (start, at);
    for digit in digits {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        end += 1;
    }
    (number, end)
}

#[cfg(test)]
mod tests {
    use super::{BehindDigits, compare, sort};

    #[test]
    fn keys_that_have_no_order_are_sorted_without_a_panic() {
        let parts = ["", "0", "1", "01", "10", "a", "-", "B", "~"];
        let mut keys: Vec<String> = Vec::new();
        for first in parts {
            for second in parts {
                keys.extend(parts.map(|third| format!("{first}{second}{third}")));
            }
        }
        for digits in [BehindDigits::LettersLast, BehindDigits::LettersFirst] {
            let entries: Vec<_> = keys.iter().rev().map(|key| (key.clone(), ())).collect();
            let sorted = sort(entries, digits);
            assert_eq!(sorted.len(), keys.len());
        }
    }

    #[test]
    fn keys_that_have_an_order_are_in_it() {
        let keys = ["a10", "b", "a2", "a1", "B", "a"].map(|key| (key.to_owned(), ()));
        let sorted = sort(keys.to_vec(), BehindDigits::LettersLast);
        assert!(
            sorted.is_sorted_by(|left, right| compare(&left.0, &right.0, BehindDigits::LettersLast).is_lt())
        );
        assert_eq!(sorted[2].0, "a1");
    }
}
