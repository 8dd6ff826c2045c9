//! One `%` directive: flags, width, precision, and padding by them.

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spec {
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

impl Spec {
    /// Reads one flag; false when the character is none.
    pub(super) fn accept_flag(&mut self, character: char) -> bool {
        match character {
            '-' => self.minus = true,
            '+' => self.plus = true,
            '#' => self.sharp = true,
            ' ' => self.space = true,
            '0' => self.zero = true,
            _ => return false,
        }
        true
    }

    /// Pads to the width, counted in characters. Zeros go behind a sign when `is_number`.
    pub(super) fn pad(&self, text: &str, is_number: bool) -> String {
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        if missing == 0 {
            return text.to_owned();
        }
        if self.minus {
            return text.to_owned() + &" ".repeat(missing);
        }
        if !self.zero {
            return " ".repeat(missing) + text;
        }
        let zeros = "0".repeat(missing);
        match text.strip_prefix(['+', '-']).filter(|_| is_number) {
            Some(digits) => format!("{}{zeros}{digits}", &text[..1]),
            None => zeros + text,
        }
    }

    /// Puts the sign in front of a number's digits.
    pub(super) fn sign(&self, is_negative: bool) -> &'static str {
        match (is_negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }
}
