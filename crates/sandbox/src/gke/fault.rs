//! Faults that a test asks for: the next requests of a kind are refused.

use super::error::GoogleError;

/// Which requests fail, how, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A method, or empty for all.
    pub method: String,
    /// A part of the path, or empty for all.
    pub path_contains: String,
    /// The HTTP status of the refusal.
    pub code: u16,
    pub message: String,
    /// How many requests it still refuses; `None` for all.
    pub times: Option<u32>,
}

/// The refusal of a request, if a fault says so; counts it.
pub(super) fn strike(faults: &mut Vec<Fault>, method: &str, path: &str) -> Option<GoogleError> {
    let fault = faults.iter_mut().find(|fault| {
        (fault.method.is_empty() || fault.method.eq_ignore_ascii_case(method))
            && path.contains(&fault.path_contains)
    })?;
    let error = GoogleError::fault(fault.code, &fault.message);
    fault.times = fault.times.map(|times| times.saturating_sub(1));
    faults.retain(|fault| fault.times != Some(0));
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_it_says() {
        let fault = Fault {
            method: "POST".to_owned(),
            path_contains: "nodePools".to_owned(),
            code: 403,
            message: "no".to_owned(),
            times: Some(1),
        };
        let mut faults = vec![fault];
        assert!(strike(&mut faults, "GET", "/nodePools").is_none());
        assert!(strike(&mut faults, "POST", "/clusters").is_none());
        assert_eq!(strike(&mut faults, "POST", "/nodePools").expect("a refusal").code, 403);
        assert!(strike(&mut faults, "POST", "/nodePools").is_none());
    }
}
