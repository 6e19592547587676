//! The letter that brings a PIN: plain text of 72 columns, with a form feed at its end.

use zeroize::Zeroizing;

use super::Delivery;
use super::hand_over::one_line;
use keywright_fido::ctap::Pin;

/// Columns of a line.
const WIDTH: usize = 72;

/// Columns before a value.
const MARGIN: usize = 14;

/// A page that shows whether letters come out, and where.
pub(super) const TEST_PAGE: &str = "\n\n\
    KEYWRIGHT TEST PAGE\n\
    ========================================================================\n\n\
    PIN letters come out of this printer. Each is one page, and has a PIN on\n\
    it: stand beside the printer, and put each into its envelope at once.\n\x0c";

/// Writes the letter.
pub(super) fn write(delivery: &Delivery, pin: &Pin) -> Zeroizing<String> {
    // Room for all of it, so that no copy is left behind by growing.
    let steps: usize = delivery.register_first.iter().map(|step| step.len() + WIDTH).sum();
    let names = delivery.account.len() + delivery.person.len() + delivery.label.len();
    let mut letter = Zeroizing::new(String::with_capacity(4096 + 8 * (names + steps)));
    letter.push_str("\n\n");
    letter.push_str(&format!("{:<48}{:>24}\n", "YOUR SECURITY KEY", "PERSONAL"));
    letter.push_str(&"=".repeat(WIDTH));
    letter.push_str("\n\n");
    field(&mut letter, "For", &delivery.person);
    field(&mut letter, "Account", &delivery.account);
    field(&mut letter, "Key", &format!("number {}, called \"{}\"", delivery.ordinal, delivery.label));
    if let Some(checkpoint) = &delivery.checkpoint {
        field(&mut letter, "Ledger", checkpoint);
    }
    letter.push_str("\n\n    The PIN of this key is\n\n\n            ");
    let grouped = push_grouped(&mut letter, pin.expose());
    letter.push_str("\n\n\n");
    if grouped {
        letter.push_str("    Type it without the spaces.");
        let lower = pin.expose().bytes().any(|byte| byte.is_ascii_lowercase())
            && !pin.expose().bytes().any(|byte| byte.is_ascii_uppercase());
        letter.push_str(if lower { " Letters are lower case.\n\n\n" } else { "\n\n\n" });
    }
    match (&delivery.register_first[..], delivery.force_change) {
        ([], true) => letter.push_str(FIRST_WITH_CHANGE),
        ([], false) => letter.push_str(FIRST_WITHOUT_CHANGE),
        (steps, force_change) => {
            letter.push_str(FIRST_REGISTER);
            for (at, step) in steps.iter().chain([&AFTERWARDS[usize::from(force_change)].to_owned()]).enumerate() {
                push_item(&mut letter, at + 1, step);
            }
            letter.push('\n');
        }
    }
    letter.push_str(GOOD_TO_KNOW);
    letter.push('\x0c');
    letter
}

const FIRST_WITH_CHANGE: &str = "\
What to do first
----------------
  1. Plug the key into your computer.
  2. Open the settings for security keys:
       Windows   Settings, Accounts, Sign-in options, Security key
       others    Chrome or Edge: Settings, Privacy and security,
                 Security, Manage security keys, Create a PIN
  3. Choose a new PIN. The key asks for the one above, once, and does
     not sign in before it has a new one. Nobody else may know it.
  4. Sign in to your account. Where it asks how, choose the security
     key, type the new PIN, and touch the key when it blinks.
  5. Destroy this letter.

";

const FIRST_WITHOUT_CHANGE: &str = "\
What to do first
----------------
  1. Plug the key into your computer.
  2. Sign in to your account. Where it asks how, choose the security
     key, type the PIN, and touch the key when it blinks.
  3. The PIN stays as it is. Keep this letter sealed where only those
     can get it who may use the key, and not in one place with the key.

";

const FIRST_REGISTER: &str = "\
What to do first
----------------
The account does not know this key yet. Somebody has to tell it:
";

/// What comes after that: the PIN stays, or it is to be changed.
const AFTERWARDS: [&str; 2] = [
    "Have IT confirm the key. The PIN stays as it is: keep this letter sealed, and not in one place with the key.",
    "Have IT confirm the key. From then on it demands a new PIN, which nobody else may know; destroy this letter after that.",
];

const GOOD_TO_KNOW: &str = "\
Good to know
------------
  - After three wrong PINs in a row the key has to be unplugged before
    it takes another one. After eight in a row it locks for ever.
  - The PIN is for the key alone. No website, no caller and no colleague
    needs it; anybody who asks for it is not one of us.
  - If the key is lost, tell IT at once. Without the PIN it opens
    nothing, and we switch it off. Your other key goes on working.
";

/// An item of a numbered list, broken between words.
fn push_item(letter: &mut String, number: usize, text: &str) {
    const MARGIN: usize = 5;
    let mut column = MARGIN;
    letter.push_str(&format!("{number:>3}."));
    for word in one_line(text).split_whitespace() {
        let word: Vec<char> = word.chars().collect();
        for part in word.chunks(WIDTH - MARGIN) {
            if column > MARGIN && column + 1 + part.len() > WIDTH {
                letter.push_str("\n    ");
                column = MARGIN;
            }
            letter.push(' ');
            letter.extend(part);
            column += 1 + part.len();
        }
    }
    letter.push('\n');
}

/// A name and its value, broken at the last column.
fn field(letter: &mut String, name: &str, value: &str) {
    let value: Vec<char> = one_line(value).chars().collect();
    for (at, line) in value.chunks(WIDTH - MARGIN).enumerate() {
        let name = if at == 0 { name } else { "" };
        letter.push_str(&format!("    {name:<10}"));
        letter.extend(line);
        letter.push('\n');
    }
}

/// A PIN of ASCII letters and digits in groups of four, any other as it is, because a space could be part of it. Tells which.
fn push_grouped(letter: &mut String, pin: &str) -> bool {
    let grouped = pin.bytes().all(|byte| byte.is_ascii_alphanumeric());
    for (at, char) in pin.chars().enumerate() {
        if grouped && at > 0 && at % 4 == 0 {
            letter.push_str(if at % 32 == 0 { "\n            " } else { "  " });
        }
        letter.push(char);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            account: "alice@example.org".to_owned(),
            person: "Alice Example".to_owned(),
            ordinal: 1,
            label: "Key 1 YubiKey 5 NFC".to_owned(),
            force_change: true,
            register_first: Vec::new(),
            checkpoint: None,
        }
    }

    fn text(delivery: &Delivery, pin: &str) -> String {
        write(delivery, &Pin::new(pin).unwrap()).to_string()
    }

    #[test]
    fn it_says_what_has_to_be_said() {
        let letter = text(&delivery(), "k7mw4xrt9c");
        for part in
            ["Alice Example", "alice@example.org", "Key 1 YubiKey 5 NFC", "k7mw  4xrt  9c\n", "Letters are lower case"]
        {
            assert!(letter.contains(part), "{part}:\n{letter}");
        }
        assert!(letter.contains("Choose a new PIN") && !letter.contains("stays as it is"));
        assert!(letter.ends_with("\n\x0c") && letter.matches('\x0c').count() == 1);
        assert!(letter.lines().count() <= 60, "one page");

        let stays = text(&Delivery { force_change: false, ..delivery() }, "4719");
        assert!(stays.contains("stays as it is") && !stays.contains("new PIN") && !stays.contains("lower case"));
    }

    #[test]
    fn no_line_is_longer_than_72_columns() {
        let long =
            Delivery { account: "a".repeat(200), person: "Ä".repeat(150), label: "Key 1 ".repeat(20), ..delivery() };
        let letter = text(&long, &"k7mw4xrt".repeat(8)[..63]);
        for line in letter.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        assert_eq!(letter.matches('Ä').count(), 150, "nothing is cut off");
        assert_eq!(letter.matches("k7mw").count(), 8);
    }

    #[test]
    fn a_key_that_is_not_registered_yet_brings_the_way_to_do_it() {
        let url = format!("https://login.example.org/{}", "x".repeat(100));
        let steps = vec![
            "Open the console, and find the person there; then add a security key to the account.".to_owned(),
            url,
        ];
        let unregistered = Delivery { register_first: steps, ..delivery() };
        let letter = text(&unregistered, "k7mw4xrt9c");
        assert!(
            letter.contains("\n  1. Open the console, and find") && letter.contains("\n  2. https://login"),
            "{letter}"
        );
        assert!(letter.contains("\n  3. Have IT confirm the key. From then on it demands a new PIN"), "{letter}");
        assert!(letter.lines().all(|line| line.chars().count() <= WIDTH), "{letter}");
        let run_on: String = letter.split_whitespace().collect();
        assert!(run_on.contains(&unregistered.register_first[1]), "nothing is cut off:\n{letter}");
        let stays = text(&Delivery { force_change: false, ..unregistered }, "k7mw4xrt9c");
        assert!(stays.contains("The PIN stays as it is") && !stays.contains("demands a new PIN"), "{stays}");
    }

    #[test]
    fn a_pin_that_could_have_spaces_is_not_broken_up() {
        let letter = text(&delivery(), "blue horse 42");
        assert!(letter.contains("            blue horse 42\n") && !letter.contains("without the spaces"));
    }

    #[test]
    fn names_do_not_steer_the_printer() {
        let letter = text(&Delivery { person: "Eve\x1b[2J\x0c\nPIN 0000".to_owned(), ..delivery() }, "k7mw4xrt");
        assert!(!letter.contains('\x1b') && letter.matches('\x0c').count() == 1);
        assert!(letter.contains("Eve?[2J??PIN 0000"));
    }

    #[test]
    fn the_room_made_for_it_is_enough() {
        for delivery in [delivery(), Delivery { person: "\u{10348}".repeat(500), ..delivery() }] {
            let letter = write(&delivery, &Pin::new(&"k7mw4xrt".repeat(8)[..63]).unwrap());
            let names = delivery.account.len() + delivery.person.len() + delivery.label.len();
            assert!(letter.len() <= 4096 + 8 * names);
        }
    }
}
