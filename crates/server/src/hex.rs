//! Hexadecimal digits, at a fraction of what a formatter takes.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// All sixteen digits of a number.
pub fn hex(number: u64) -> String {
    let mut digits = vec![0; 16];
    for (byte, pair) in number
        .to_be_bytes()
        .into_iter()
        .zip(digits.chunks_exact_mut(2))
    {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    String::from_utf8(digits).expect("digits are plain ASCII")
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
