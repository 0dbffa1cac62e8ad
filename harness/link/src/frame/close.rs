//! Close codes and close payloads.

/// Whether a close code may stand in a frame (RFC 6455 7.4 and the registry it opened): 1000 to 1003, 1007 to 1014,
/// 3000 to 4999. 1005, 1006 and 1015 name situations without a frame; 1004 and the rest are not assigned.
#[must_use]
pub fn close_code_allowed(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// The payload of a close frame. Nothing is checked: any code, a reason of any length and any bytes.
#[must_use]
pub fn close_payload(code: Option<u16>, reason: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(2 + reason.len());
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
    }
    payload.extend_from_slice(reason);
    payload
}

/// Code and reason out of the payload of a close frame. A body of one byte has neither.
#[must_use]
pub fn close_parts(payload: &[u8]) -> (Option<u16>, &[u8]) {
    match payload.split_first_chunk::<2>() {
        Some((code, reason)) => (Some(u16::from_be_bytes(*code)), reason),
        None => (None, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_only_name_a_situation_are_not_allowed_on_the_wire() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
            assert!(!close_code_allowed(code), "{code}");
        }
        for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999] {
            assert!(close_code_allowed(code), "{code}");
        }
    }
}
