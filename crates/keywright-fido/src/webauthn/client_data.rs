//! Client data (WebAuthn 5.8.1): what the client says about a ceremony; its hash is what the key signs.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Challenge, Origin, WebauthnError, base64url};

/// The `type` member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CeremonyType {
    /// `webauthn.create`
    Create,
    /// `webauthn.get`
    Get,
}

impl CeremonyType {
    /// The member's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// Client data as bytes: made by us in the limited form of WebAuthn 5.8.1.1, or received as somebody else wrote it. In JSON the
/// bytes are base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientDataJson(#[serde(with = "base64url")] Vec<u8>);

impl ClientDataJson {
    /// Writes `{"type":..,"challenge":..,"origin":..,"crossOrigin":false}` as WebAuthn 5.8.1.1 serialises it.
    pub fn new(ceremony: CeremonyType, challenge: &Challenge, origin: &Origin) -> Self {
        let mut json = String::from("{\"type\":");
        ccd_to_string(ceremony.as_str(), &mut json);
        json.push_str(",\"challenge\":");
        ccd_to_string(&challenge.to_string(), &mut json);
        json.push_str(",\"origin\":");
        ccd_to_string(&origin.to_string(), &mut json);
        json.push_str(",\"crossOrigin\":false}");
        Self(json.into_bytes())
    }

    /// Keeps client data as it was received.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The JSON text as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// SHA-256 of the bytes: the clientDataHash.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// Checks that this is the ceremony that the relying party began: type, challenge, origin, no cross-origin frame
    /// (WebAuthn 7.1 steps 7 to 11, 7.2 steps 11 to 14). A byte order mark before the JSON is allowed (step 5).
    pub fn check(&self, ceremony: CeremonyType, challenge: &Challenge, origin: &Origin) -> Result<(), WebauthnError> {
        let json = self.0.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.0);
        let malformed = |why: String| WebauthnError::malformed("clientDataJSON", why);
        // serde takes an array for a struct as well.
        if !json.trim_ascii_start().starts_with(b"{") {
            return Err(malformed("is not a JSON object".into()));
        }
        let data: CollectedClientData<'_> =
            serde_json::from_slice(json).map_err(|error| malformed(error.to_string()))?;
        let expect = |what, found: &str, expected: &str| match found == expected {
            true => Ok(()),
            false => Err(WebauthnError::Ceremony { what, why: format!("\"{found}\" instead of \"{expected}\"") }),
        };
        expect("type", &data.ceremony, ceremony.as_str())?;
        expect("challenge", &data.challenge, &challenge.to_string())?;
        expect("origin", &data.origin, &origin.to_string())?;
        if data.cross_origin.unwrap_or(false) {
            return Err(WebauthnError::Ceremony { what: "crossOrigin", why: "true: a frame in another's page".into() });
        }
        if let Some(top_origin) = data.top_origin {
            return Err(WebauthnError::Ceremony { what: "topOrigin", why: format!("\"{top_origin}\" is there") });
        }
        Ok(())
    }
}

/// CollectedClientData (WebAuthn 5.8.1), as far as it is checked. Members that are not known are allowed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CollectedClientData<'a> {
    #[serde(rename = "type", borrow)]
    ceremony: Cow<'a, str>,
    #[serde(borrow)]
    challenge: Cow<'a, str>,
    #[serde(borrow)]
    origin: Cow<'a, str>,
    cross_origin: Option<bool>,
    #[serde(borrow)]
    top_origin: Option<Cow<'a, str>>,
}

/// CCDToString (WebAuthn 5.8.1.1): a JSON string in which only the quotation mark, the backslash and control characters
/// are escaped, the last always as `\u` with four digits.
fn ccd_to_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0'..='\x1f' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> (Challenge, Origin) {
        ("AAECAwQFBgcICQoLDA0ODw".parse().unwrap(), "https://login.example.org".parse().unwrap())
    }

    #[test]
    fn serialises_as_the_limited_algorithm_says() {
        let (challenge, origin) = asked();
        let made = ClientDataJson::new(CeremonyType::Create, &challenge, &origin);
        let expected = r#"{"type":"webauthn.create","challenge":"AAECAwQFBgcICQoLDA0ODw","origin":"https://login.example.org","crossOrigin":false}"#;
        assert_eq!(std::str::from_utf8(made.as_bytes()).unwrap(), expected);
        assert_eq!(made.hash(), <[u8; 32]>::from(Sha256::digest(expected)));
        assert_eq!(made.check(CeremonyType::Create, &challenge, &origin), Ok(()));
    }

    #[test]
    fn escapes_only_what_ccd_to_string_escapes() {
        let mut out = String::new();
        ccd_to_string("a\"b\\c\n\u{1f}/\u{7f}é\u{2028}", &mut out);
        assert_eq!(out, "\"a\\\"b\\\\c\\u000a\\u001f/\u{7f}é\u{2028}\"");
    }

    #[test]
    fn takes_only_the_ceremony_that_was_begun() {
        let (challenge, origin) = asked();
        let good =
            r#"{"type":"webauthn.get","challenge":"AAECAwQFBgcICQoLDA0ODw","origin":"https://login.example.org"}"#;
        let check = |text: &str| {
            ClientDataJson::from_bytes(text.as_bytes().to_vec()).check(CeremonyType::Get, &challenge, &origin)
        };
        for text in [
            good.to_owned(),
            format!("\u{feff}{good}"),
            good.replace('}', r#","crossOrigin":false}"#),
            good.replace('}', r#","future":[1,{"a":null}]}"#),
            good.replace("https:/", "https:\\/"),
        ] {
            assert_eq!(check(&text), Ok(()), "{text}");
        }
        for (from, to, member) in [
            ("webauthn.get", "webauthn.create", "type"),
            ("AAEC", "BBEC", "challenge"),
            ("login.", "evil.", "origin"),
            (".org\"", ".org/\"", "origin"),
            ("}", r#","crossOrigin":true}"#, "crossOrigin"),
            ("}", r#","topOrigin":"https://example.com"}"#, "topOrigin"),
        ] {
            match check(&good.replace(from, to)) {
                Err(WebauthnError::Ceremony { what, .. }) => assert_eq!(what, member),
                other => panic!("{member}: {other:?}"),
            }
        }
        for text in [
            "",
            "null",
            r#"["webauthn.get","AAECAwQFBgcICQoLDA0ODw","https://login.example.org",false,null]"#,
            "{}",
            &good.replace('}', ""),
            &format!("{good} x"),
            &format!("\u{feff}\u{feff}{good}"),
            &good.replace('{', r#"{"type":"webauthn.get","#),
            &good.replace('}', r#","crossOrigin":"no"}"#),
        ] {
            assert!(matches!(check(text), Err(WebauthnError::Malformed { .. })), "{text}");
        }
    }
}
