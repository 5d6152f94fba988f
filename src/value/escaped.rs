//! Bytes as one word of printable ASCII, for lines that are read again.

use std::fmt;

/// Prints bytes as one word: what is not a printable ASCII character, and the backslash, as `\x` and two hexadecimal digits.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| match byte {
            byte if byte.is_ascii_graphic() && *byte != b'\\' => write!(f, "{}", char::from(*byte)),
            byte => write!(f, "\\x{byte:02x}"),
        })
    }
}

/// Reads what [`Escaped`] prints, and nothing else.
pub(crate) fn unescaped(word: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), word);
    while let Some(char) = rest.chars().next() {
        if let Some(escaped) = rest.strip_prefix("\\x") {
            let (digits, after) = escaped.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            bytes.push(u8::try_from(char).ok().filter(|byte| byte.is_ascii_graphic() && *byte != b'\\')?);
            rest = rest.get(1..)?;
        }
    }
    Some(bytes)
}
