//! Hexadecimal digits, at a fraction of what a formatter takes.

/// All sixteen digits of a number.
pub fn hex(number: u64) -> String {
    let halves = number.to_be_bytes().into_iter();
    let halves = halves.flat_map(|byte| [byte >> 4, byte & 15]);
    halves
        .map(|half| char::from(b"0123456789abcdef"[usize::from(half)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_sixteen_digits() {
        for number in [0, 1, 0xfe, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(hex(number), format!("{number:016x}"));
        }
    }
}
