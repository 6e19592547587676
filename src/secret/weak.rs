//! PINs that a thief tries first: repeats, runs, years and dates, keyboard patterns, and a few that are simply popular.
//!
//! It judges texts of ASCII digits and lower-case letters, as they are drawn; it does not grade what people choose.

/// Whether a text is among those.
pub(super) fn is_weak(pin: &str) -> bool {
    let pin = pin.as_bytes();
    repeats(pin) || has_long_run(pin) || has_date(pin) || follows_keyboard(pin) || has_popular(pin)
}

/// How many characters in a row make a pattern: half of the PIN, but four at least. In a long PIN, a short pattern is chance.
fn pattern_length(pin: &[u8]) -> usize {
    pin.len().div_ceil(2).max(4)
}

/// `7777`, `1212`, `12312312`, `11223344`, `12344321`, and anything made of two characters.
fn repeats(pin: &[u8]) -> bool {
    let periodic =
        (1..=pin.len() / 2).any(|period| pin[period..].iter().zip(pin).all(|(later, earlier)| later == earlier));
    let pairs = pin.len().is_multiple_of(2) && pin.chunks_exact(2).all(|pair| pair[0] == pair[1]);
    let mirrored = pin.iter().eq(pin.iter().rev());
    let few = pin.iter().enumerate().filter(|(at, byte)| !pin[..*at].contains(byte)).count() <= 2;
    periodic || pairs || mirrored || few
}

/// `1234`, `9876`, `2468`, `7890`, `mnpr` if every step is the same; digits go round from 9 to 0.
fn has_long_run(pin: &[u8]) -> bool {
    let step = |pair: &[u8]| {
        let distance = i16::from(pair[1]) - i16::from(pair[0]);
        if pair.iter().all(u8::is_ascii_digit) { (true, distance.rem_euclid(10)) } else { (false, distance) }
    };
    pin.windows(pattern_length(pin)).any(|window| {
        let first = step(&window[..2]);
        window.windows(2).all(|pair| step(pair) == first)
    })
}

/// A year from 1900 to 2099 that makes up half of the PIN or more, or a PIN that is a date: `3112`, `1231`, `311299`, `991231`.
fn has_date(pin: &[u8]) -> bool {
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0u32, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
    };
    let year = pattern_length(pin) == 4
        && pin.windows(4).any(|window| number(window).is_some_and(|year| (1900..=2099).contains(&year)));
    let day_and_month = |one: &[u8], other: &[u8]| {
        let (Some(one), Some(other)) = (number(one), number(other)) else { return false };
        let is_date = |day, month| (1..=31).contains(&day) && (1..=12).contains(&month);
        is_date(one, other) || is_date(other, one)
    };
    year || match pin.len() {
        4 => day_and_month(&pin[..2], &pin[2..]),
        6 => number(pin).is_some() && (day_and_month(&pin[..2], &pin[2..4]) || day_and_month(&pin[2..4], &pin[4..])),
        _ => false,
    }
}

/// Straight lines on a telephone's and a computer's keypad and on a keyboard.
const LINES: [&[u8]; 23] = [
    b"123",
    b"456",
    b"789",
    b"147",
    b"2580",
    b"0852",
    b"369",
    b"159",
    b"357",
    b"7410",
    b"1234567890",
    b"qwertyuiop",
    b"asdfghjkl",
    b"zxcvbnm",
    b"1qaz",
    b"2wsx",
    b"3edc",
    b"4rfv",
    b"5tgb",
    b"6yhn",
    b"7ujm",
    b"8ik",
    b"9ol",
];

/// Whether all characters but one are in straight lines of three or more on a keyboard, in either direction: `2580`, `147258`,
/// `741852`.
fn follows_keyboard(pin: &[u8]) -> bool {
    let straight = |three: &[u8]| {
        LINES.iter().any(|line| line.windows(3).any(|keys| keys.iter().eq(three) || keys.iter().rev().eq(three)))
    };
    let straights: Vec<bool> = pin.windows(3).map(straight).collect();
    let in_line = |at: usize| straights[at.saturating_sub(2)..(at + 1).min(straights.len())].contains(&true);
    (0..pin.len()).filter(|at| !in_line(*at)).count() <= 1
}

/// Digits that people like: corners and zigzags of the keypad, well-known constants, film and song numbers, `102030`.
const POPULAR: [&[u8]; 22] = [
    b"1397", b"1379", b"1793", b"3179", b"7139", b"7913", b"9731", b"2486", b"2684", b"0007", b"1004", b"1337",
    b"4711", b"5683", b"8675309", b"5201314", b"31415", b"27182", b"14142", b"16180", b"102030", b"159753",
];

fn has_popular(pin: &[u8]) -> bool {
    POPULAR.iter().any(|popular| {
        popular.len() >= pattern_length(pin) && pin.windows(popular.len()).any(|window| window == *popular)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thief_tries_first_is_weak() {
        for pin in [
            // repeats
            "0000", "7777777", "kkkkkkkk", "1212", "121212", "12312312", "123123", "k7k7k7k7", "11223344", "1221",
            "12344321", "4774", "k7mhhm7k", "kkmkmmkk", "77377373", // runs
            "1234", "12345678", "87654321", "4321", "2468", "8642", "1357", "7890", "8901", "0987", "012345", "9876ck",
            "k23456", "36925814", "cdefghjk", // years and dates
            "1984", "2026", "199912", "k72019", "31122025", "20251231", "19700101", "3112", "1231", "0407", "311299",
            "123199", "991231", "993112", // keyboards
            "2580", "0852", "147258", "258369", "741852", "963741", "14789632", "qwertyui", "1qaz2wsx", "159357",
            "poiuytre", // popular
            "1397", "7913", "1004", "5683", "8675309", "5201314", "314159", "27182818", "102030", "159753",
        ] {
            assert!(is_weak(pin), "{pin}");
        }
    }

    #[test]
    fn what_chance_gives_is_not() {
        for pin in [
            "4719",
            "8306",
            "73915",
            "471839",
            "80635271",
            "k7mw4xrt",
            "c9h3ptw2",
            "3829471605",
            "hx4rk92mctw7",
            "ck1984mwtr72",
            "1234ckmwtr72",
        ] {
            assert!(!is_weak(pin), "{pin}");
        }
    }

    #[test]
    fn enough_pins_are_left() {
        for (digits, every, least) in [(4, 1, 0.7), (6, 101, 0.6), (8, 10_007, 0.7)] {
            let numbers = (0..10usize.pow(digits)).step_by(every);
            let all = numbers.len();
            let width = digits as usize;
            let strong = numbers.filter(|number| !is_weak(&format!("{number:0width$}"))).count();
            let share = strong as f64 / all as f64;
            assert!(share > least, "{digits} digits: {share}");
        }
    }
}
