//! PostgreSQL's binary `numeric` as text, digit by digit: nothing is rounded, and the scale stays.

/// What a `numeric` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numeric {
    /// A number; its text was written.
    Finite,
    /// Not a number; nothing was written.
    NaN,
    /// Infinity; nothing was written.
    Infinity,
    /// Minus infinity; nothing was written.
    MinusInfinity,
}

/// Writes the number to the end of `out`. `None`: the bytes are no `numeric`.
///
/// The form is a header of four 16-bit fields (count of groups, weight of the first group, sign,
/// digits after the point to show) and then the groups, each four decimal digits.
pub(super) fn write(raw: &[u8], out: &mut String) -> Option<Numeric> {
    let mut fields = raw.chunks_exact(2).map(|pair| <[u8; 2]>::try_from(pair).ok());
    let mut next = || fields.next().flatten();
    let count = usize::from(u16::from_be_bytes(next()?));
    let weight = i32::from(i16::from_be_bytes(next()?));
    let sign = u16::from_be_bytes(next()?);
    let scale = usize::from(u16::from_be_bytes(next()?));
    match sign {
        0x0000 => {}
        0x4000 => out.push('-'),
        0xC000 => return Some(Numeric::NaN),
        0xD000 => return Some(Numeric::Infinity),
        0xF000 => return Some(Numeric::MinusInfinity),
        _ => return None,
    }
    let groups = raw.get(8..)?;
    if groups.len() != count.checked_mul(2)? {
        return None;
    }
    // The group that stands for 10000^power; groups that are not sent are zero.
    let group = |power: i32| -> Option<[u8; 4]> {
        let at = usize::try_from(weight - power).ok().and_then(|index| groups.chunks_exact(2).nth(index));
        let value = at.and_then(|pair| <[u8; 2]>::try_from(pair).ok()).map_or(0, u16::from_be_bytes);
        let digit = |divisor: u16| u8::try_from(value / divisor % 10).ok().map(|digit| b'0' + digit);
        if value > 9_999 {
            return None;
        }
        Some([digit(1_000)?, digit(100)?, digit(10)?, digit(1)?])
    };
    let mut leading = true;
    for power in (0..=weight).rev() {
        for digit in group(power)? {
            leading = leading && digit == b'0';
            if !leading {
                out.push(char::from(digit));
            }
        }
    }
    if leading {
        out.push('0');
    }
    if scale > 0 {
        out.push('.');
        let mut left = scale;
        for power in (i32::MIN..0).rev() {
            for digit in group(power)?.into_iter().take(left) {
                out.push(char::from(digit));
            }
            left = left.saturating_sub(4);
            if left == 0 {
                break;
            }
        }
    }
    Some(Numeric::Finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(weight: i16, sign: u16, scale: u16, groups: &[u16]) -> Vec<u8> {
        let header = [u16::try_from(groups.len()).unwrap(), u16::from_be_bytes(weight.to_be_bytes()), sign, scale];
        header.iter().chain(groups).flat_map(|field| field.to_be_bytes()).collect()
    }

    fn text(weight: i16, sign: u16, scale: u16, groups: &[u16]) -> String {
        let mut out = String::new();
        assert_eq!(write(&raw(weight, sign, scale, groups), &mut out), Some(Numeric::Finite));
        out
    }

    #[test]
    fn digits_and_scale_are_exact() {
        assert_eq!(text(0, 0, 0, &[]), "0");
        assert_eq!(text(0, 0, 2, &[]), "0.00");
        assert_eq!(text(0, 0, 6, &[3950, 1234, 5600]), "3950.123456");
        assert_eq!(text(0, 0x4000, 2, &[12, 3400]), "-12.34");
        assert_eq!(text(1, 0, 0, &[1]), "10000");
        assert_eq!(text(2, 0, 1, &[7, 0, 42, 5000]), "700000042.5");
        assert_eq!(text(-1, 0, 4, &[12]), "0.0012");
        assert_eq!(text(-2, 0, 8, &[1]), "0.00000001");
        assert_eq!(text(-2, 0, 7, &[10]), "0.0000001");
        assert_eq!(text(0, 0, 10, &[1, 5000]), "1.5000000000");
    }

    #[test]
    fn specials_and_nonsense_write_no_number() {
        let mut out = String::new();
        assert_eq!(write(&raw(0, 0xC000, 0, &[]), &mut out), Some(Numeric::NaN));
        assert_eq!(write(&raw(0, 0xD000, 0, &[]), &mut out), Some(Numeric::Infinity));
        assert_eq!(write(&raw(0, 0xF000, 0, &[]), &mut out), Some(Numeric::MinusInfinity));
        assert_eq!(write(&[0, 1, 0, 0], &mut out), None);
        assert_eq!(write(&raw(0, 0x1234, 0, &[1]), &mut out), None);
        assert_eq!(write(&raw(0, 0, 0, &[10_000]), &mut out), None);
        assert_eq!(write(&raw(0, 0, 0, &[1])[..9], &mut out), None);
    }
}
