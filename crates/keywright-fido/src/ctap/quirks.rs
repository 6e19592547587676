//! What firmware is known to do otherwise than CTAP says, or than most do, and what is done about it here.
//!
//! It is a list for people: no command asks it. Whatever a key does is met by what it answers, never by its name, so that the next
//! firmware with the same fault is met too. `docs/hardware.md` shows it.

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirk {
    /// The firmware and its versions, as far as known.
    pub firmware: &'static str,
    /// The clause of CTAP 2.1 that says otherwise, or leaves it open.
    pub clause: &'static str,
    /// What it does.
    pub does: &'static str,
    /// What is done about it.
    pub met: &'static str,
    /// Who saw it, and where.
    pub source: &'static str,
}

/// Run here behind real hidraw, by people who did not write this.
const RUN: &str = "run here, firmware not named";
/// Run here as a program: OpenSK 0.1.0, fido-authenticator 0.4.0-rc.4, CanoKey's and pico-fido's emulations, solo1's PC build.
const EMULATED: &str = "run here, as a program";

/// All that are known.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        firmware: "one, locked after a replug",
        clause: "6.2.2",
        does: "answers a silent getAssertion for its own credential with one that was not asked for, no flags and a made-up signature",
        met: "\"probably\" this key, if it answers otherwise for a credential that nobody made; its PIN and a signature decide",
        source: RUN,
    },
    Quirk {
        firmware: "one",
        clause: "6.2.2",
        does: "answers a silent getAssertion with PIN_BLOCKED, and no PIN was involved",
        met: "\"cannot tell\"; every other command goes on",
        source: RUN,
    },
    Quirk {
        firmware: "one; solo1 family (Nitrokey FIDO2)",
        clause: "6.8.2 to 6.8.4",
        does: "OK and nothing where NO_CREDENTIALS is due, or no totalRPs",
        met: "an empty answer means none",
        source: "run here; github.com/Nitrokey/pynitrokey/issues/336",
    },
    Quirk {
        firmware: "one",
        clause: "6.11.2, 7.2",
        does: "shows alwaysUv on while it is locked, whatever is so",
        met: "a signature without verification has to be refused before it is believed, asked of a credential that the key has",
        source: RUN,
    },
    Quirk {
        firmware: "several",
        clause: "6.1.2, 6.2.2",
        does: "OPERATION_DENIED (0x27) where nobody touched the key",
        met: "said as \"nobody touched the key, or it was declined there\"",
        source: "run here; github.com/pando85/passless/issues/393",
    },
    Quirk {
        firmware: "keys without a PIN",
        clause: "6.8.2",
        does: "tell nobody that they have credentials",
        met: "asked as soon as they have their PIN, before anything else is done; turned away or reset",
        source: RUN,
    },
    Quirk {
        firmware: "any with a broken random source",
        clause: "6.1.2",
        does: "makes a credential that another key made",
        met: "refused by credential id and public key; the first key's owner is named in a finding",
        source: RUN,
    },
    Quirk {
        firmware: "RS-Key before 0.3.7",
        clause: "6.2.2 step 5",
        does: "refuses a silent getAssertion while alwaysUv is on",
        met: "\"cannot tell\" without its PIN; with it as any other",
        source: "github.com/TheMaxMur/RS-Key/pull/35",
    },
    Quirk {
        firmware: "fido-authenticator (Nitrokey 3, Solo 2)",
        clause: "6.2.2",
        does: "names one credential of an allow list, however many it has",
        met: "the others of the list are asked for again",
        source: "github.com/trussed-dev/fido-authenticator/issues/46",
    },
    Quirk {
        firmware: "a smart card; Mooltipass before 2021-07",
        clause: "6.2.2",
        does: "looks at the first credential of an allow list only",
        met: "not met where the ledger has several: 'drill ACCOUNT --number N' asks for one",
        source: "github.com/Yubico/libfido2/issues/984, github.com/mooltipass/minible/issues/269",
    },
    Quirk {
        firmware: "fido-authenticator 0.4.0-rc.4",
        clause: "6.5.5.7",
        does: "PIN_POLICY_VIOLATION for a token while a PIN change is due (others: PIN_INVALID)",
        met: "forcePINChange is looked at first; it is set last",
        source: EMULATED,
    },
    Quirk {
        firmware: "fido-authenticator 0.4.0-rc.4",
        clause: "6.11.4",
        does: "takes a minimum PIN length of 64, after which no PIN can be set",
        met: "never more than 63 is sent",
        source: EMULATED,
    },
    Quirk {
        firmware: "OpenSK 0.1.0, fido-authenticator",
        clause: "6.11, 6.8",
        does: "check the MAC over parameters that they wrote anew",
        met: "parameters are canonical CBOR",
        source: EMULATED,
    },
    Quirk {
        firmware: "OpenSK 0.1.0",
        clause: "6.6",
        does: "allows no reset once a PIN command came",
        met: "a reset is the first thing after the replug",
        source: EMULATED,
    },
    Quirk {
        firmware: "CanoKey",
        clause: "6.1.2",
        does: "refuses the whole makeCredential (0x12) for a name of more than 64 bytes",
        met: "names are cut to 64 bytes at a character",
        source: EMULATED,
    },
    Quirk {
        firmware: "Google Titan v2",
        clause: "6.1.2",
        does: "vendor status 0xF1 for a user entity that is too large for it, below 64 bytes a name",
        met: "not met: shown by its number; a shorter name at the IdP helps",
        source: "github.com/systemd/systemd/issues/43212",
    },
    Quirk {
        firmware: "CanoKey; pico-fido 8.0 and before",
        clause: "6.5.5.2",
        does: "getPINRetries before a PIN is set: a negative number, a crash, a touch",
        met: "not asked before there is a PIN; a number that is none is an error",
        source: "run here; github.com/polhenarejos/pico-fido/issues/288",
    },
    Quirk {
        firmware: "pico-fido",
        clause: "6.11",
        does: "asks for authorisation of authenticatorConfig before a PIN is set",
        met: "configured after the PIN",
        source: EMULATED,
    },
    Quirk {
        firmware: "pico-fido before 2022-11-28",
        clause: "6.8",
        does: "knows 0x0A and not the preview 0x41",
        met: "0x41 only where getInfo offers nothing else",
        source: "github.com/polhenarejos/pico-fido/issues/3",
    },
    Quirk {
        firmware: "CanoKey, solo1",
        clause: "7.1.3",
        does: "ignores the request for enterprise attestation",
        met: "not asked unless `ep` is on; no epAtt means none",
        source: EMULATED,
    },
    Quirk {
        firmware: "YubiKey",
        clause: "6.8.3, 6.8.4",
        does: "NOT_ALLOWED if anything comes between begin and next, or next has a token",
        met: "next follows at once and alone",
        source: "github.com/linux-credentials/libwebauthn/pull/264, github.com/gebogebogebo/ctap-hid-fido2/pull/121",
    },
    Quirk {
        firmware: "YubiKey 5 before 5.2.3",
        clause: "6.8",
        does: "has no credential management",
        met: "getInfo is asked first; such a key replaces a credential of the same account",
        source: "github.com/Yubico/libfido2/issues/157",
    },
    Quirk {
        firmware: "YubiKey before 5.7.4",
        clause: "6.5.7",
        does: "takes the first 16 bytes of a protocol 2 token for the whole (YSA-2025-02)",
        met: "the whole token is used",
        source: "github.com/Yubico/Yubico.NET.SDK/issues/223",
    },
    Quirk {
        firmware: "HyperFIDO (Hypersecu)",
        clause: "5.8.3 of WebAuthn",
        does: "INVALID_CBOR for a credential descriptor with transports",
        met: "descriptors have id and type only",
        source: "github.com/flynn/u2f/issues/14",
    },
    Quirk {
        firmware: "FIDO2Applet (Java Card)",
        clause: "6.5.5.7",
        does: "a token is gone after one write, or until the card is taken away",
        met: "each command gets a token of its own; two settings at once may need a second run",
        source: "github.com/BryanJacobs/FIDO2Applet/issues/34",
    },
    Quirk {
        firmware: "FIDO2Applet before 2026-03",
        clause: "6.8.4",
        does: "leaves displayName out",
        met: "names may be absent",
        source: "github.com/BryanJacobs/FIDO2Applet/issues/56",
    },
    Quirk {
        firmware: "Feitian ePass, some",
        clause: "6.5.6",
        does: "names another algorithm than -25 in keyAgreement",
        met: "the algorithm is not looked at: keys say -25 and -7, and mean the same",
        source: "github.com/Yubico/libfido2/issues/171",
    },
    Quirk {
        firmware: "OpenSK 0.1.0 with EdDSA",
        clause: "8.2 of WebAuthn",
        does: "names the credential's algorithm over a signature of the batch key",
        met: "such an attestation is invalid, and refused",
        source: EMULATED,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/hardware.md");
    const BEGIN: &str = "<!-- quirks, written by the tests of keywright-fido -->\n";
    const END: &str = "<!-- end of quirks -->";

    /// `SNAPSHOTS=overwrite` writes it anew.
    #[test]
    fn the_page_about_hardware_shows_the_table() {
        let rows = QUIRKS.iter().map(|quirk| {
            let Quirk { firmware, clause, does, met, source } = quirk;
            format!("| {firmware} | {clause} | {does} | {met} | {source} |\n")
        });
        let head = "| firmware | clause | what it does | what is done about it | source |\n|---|---|---|---|---|\n";
        let table: String = std::iter::once(head.to_owned()).chain(rows).collect();
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the page has a place for it");
        let (shown, after) = rest.split_once(END).expect("the place ends");
        if std::env::var("SNAPSHOTS").as_deref() == Ok("overwrite") {
            std::fs::write(PAGE, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        } else {
            assert_eq!(shown, table);
        }
    }
}
