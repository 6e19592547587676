//! The identifiers of WebAuthn, as types that cannot hold anything else.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::WebauthnError;

/// The model of an authenticator: 16 bytes, written as a UUID (WebAuthn 6.5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Aaguid(pub [u8; 16]);

impl Aaguid {
    /// All zeros: the authenticator does not tell its model.
    pub const ZERO: Self = Self([0; 16]);
}

impl fmt::Display for Aaguid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = data_encoding::HEXLOWER.encode(&self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl fmt::Debug for Aaguid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aaguid({self})")
    }
}

impl FromStr for Aaguid {
    type Err = WebauthnError;

    /// Takes the dashed form, or 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || WebauthnError::malformed("aaguid", format!("\"{text}\" is not a UUID"));
        let dashed = text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text.as_bytes()[*at] == b'-');
        let digits = if dashed { text.replace('-', "") } else { text.to_owned() };
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| wrong())?;
        bytes.try_into().map(Self).map_err(|_| wrong())
    }
}

impl Serialize for Aaguid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Aaguid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A byte string with limits on its length, shown and serialised as base64url without padding; as bytes in formats that nobody reads.
/// A copy is the same bytes in memory.
macro_rules! byte_string {
    ($(#[$doc:meta])* $name:ident, $what:literal, $lengths:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<[u8]>);

        impl $name {
            /// Takes the bytes if their number is allowed.
            pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, WebauthnError> {
                let bytes = bytes.into();
                if !$lengths.contains(&bytes.len()) {
                    return Err(WebauthnError::malformed(
                        $what,
                        format!("{} bytes; {} to {} are allowed", bytes.len(), $lengths.start(), $lengths.end()),
                    ));
                }
                Ok(Self(bytes.into()))
            }

            /// The bytes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&BASE64URL_NOPAD.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = WebauthnError;

            /// Takes base64url without padding.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let bytes = BASE64URL_NOPAD
                    .decode(text.as_bytes())
                    .map_err(|error| WebauthnError::malformed($what, format!("not base64url: {error}")))?;
                Self::new(bytes)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match serializer.is_human_readable() {
                    true => serializer.collect_str(self),
                    false => serializer.serialize_bytes(&self.0),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match deserializer.is_human_readable() {
                    true => String::deserialize(deserializer)?.parse().map_err(D::Error::custom),
                    false => Self::new(<&[u8]>::deserialize(deserializer)?).map_err(D::Error::custom),
                }
            }
        }
    };
}

byte_string!(
    /// A credential's identifier: 1 to 1023 bytes (WebAuthn 4, "credential ID").
    CredentialId,
    "credential id",
    1..=1023
);
byte_string!(
    /// The relying party's name for the account: 1 to 64 bytes, opaque (WebAuthn 5.4.3).
    UserHandle,
    "user.id",
    1..=64
);
byte_string!(
    /// The relying party's random bytes. At least 16 are recommended (WebAuthn 13.4.3); some IdPs send 15, some send thousands.
    Challenge,
    "challenge",
    1..=65_536
);

/// A relying party's identifier: a domain in lower case (WebAuthn 5.1.2, "RP ID").
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RpId(Cow<'static, str>);

impl RpId {
    /// `keywright.invalid`, for credentials and tokens that are no relying party's: RFC 6761 keeps `.invalid` from ever being
    /// anybody's.
    pub const PROBE: Self = Self(Cow::Borrowed("keywright.invalid"));

    /// The domain.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether anybody may have a name below it (publicsuffix.org): credentials of `co.uk` would be every British company's. What
    /// the list does not know is somebody's own, such as `localhost`.
    pub fn is_public_suffix(&self) -> bool {
        psl::suffix(self.0.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix == self.0.as_bytes())
    }

    /// SHA-256 of the domain, as authenticator data carries it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl FromStr for RpId {
    type Err = WebauthnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if text.len() > 253 || !text.split('.').all(label) {
            return Err(WebauthnError::malformed("rp.id", format!("\"{text}\" is not a domain in lower case")));
        }
        Ok(Self(text.to_owned().into()))
    }
}

impl fmt::Display for RpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RpId({self})")
    }
}

impl<'de> Deserialize<'de> for RpId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Where the ceremony takes place: `https://host[:port]`, or `http://localhost[:port]` (a secure context all the same).
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Origin(String);

impl Origin {
    /// The origin as client data carries it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without the port.
    pub fn host(&self) -> &str {
        let authority = self.0.split_once("://").map_or(self.0.as_str(), |(_, authority)| authority);
        authority.split_once(':').map_or(authority, |(host, _)| host)
    }

    /// Whether a page of this origin may use this RP ID: the host itself or a parent domain of it (WebAuthn 5.1.3, step 8), and no
    /// public suffix.
    pub fn may_use(&self, rp_id: &RpId) -> bool {
        let host = self.host();
        let is_above =
            host == rp_id.as_str() || host.strip_suffix(rp_id.as_str()).is_some_and(|left| left.ends_with('.'));
        is_above && !rp_id.is_public_suffix()
    }
}

impl FromStr for Origin {
    type Err = WebauthnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| WebauthnError::malformed("origin", format!("\"{text}\" {why}"));
        let (scheme, authority) = text.split_once("://").ok_or_else(|| wrong("has no scheme"))?;
        let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        host.parse::<RpId>().map_err(|_| wrong("has no plain host name"))?;
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(wrong("has a port that is not a number"));
        }
        // A browser leaves the default port out, so an origin that names it would never match a page's.
        if (scheme, port) == ("https", Some("443")) || (scheme, port) == ("http", Some("80")) {
            return Err(wrong("names its scheme's default port"));
        }
        match scheme {
            "https" => {}
            "http" if host == "localhost" || host.ends_with(".localhost") => {}
            _ => return Err(wrong("is neither https nor localhost")),
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aaguid_is_a_uuid() {
        let aaguid: Aaguid = "2fc0579f-8113-47ea-b116-bb5a8db9202a".parse().unwrap();
        assert_eq!(aaguid.to_string(), "2fc0579f-8113-47ea-b116-bb5a8db9202a");
        assert_eq!("2FC0579F811347EAB116BB5A8DB9202A".parse(), Ok(aaguid));
        for wrong in ["", "2fc0579f-8113-47ea-b116-bb5a8db9202", "2fc0579f81-13-47ea-b116-bb5a8db9202a", "zz"] {
            assert!(wrong.parse::<Aaguid>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn byte_strings_keep_to_their_lengths() {
        assert!(CredentialId::new(vec![0; 1023]).is_ok());
        assert!(CredentialId::new(vec![0; 1024]).is_err());
        assert!(CredentialId::new(vec![]).is_err());
        assert!(UserHandle::new(vec![0; 65]).is_err());
        assert_eq!("AQID".parse::<UserHandle>().unwrap().as_bytes(), [1, 2, 3]);
        assert!("AQID=".parse::<UserHandle>().is_err());
    }

    #[test]
    fn an_rp_id_is_a_domain() {
        assert_eq!(
            data_encoding::HEXLOWER.encode(&"example.org".parse::<RpId>().unwrap().hash()),
            "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5"
        );
        for wrong in ["", "Example.org", "https://example.org", "a..b", "-a.org", "a_b.org", "example.org."] {
            assert!(wrong.parse::<RpId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_origin_may_use_its_own_domain_and_its_parents() {
        let origin: Origin = "https://login.example.org:8443".parse().unwrap();
        for (rp_id, allowed) in [
            ("login.example.org", true),
            ("example.org", true),
            ("ogin.example.org", false),
            ("a.login.example.org", false),
        ] {
            assert_eq!(origin.may_use(&rp_id.parse().unwrap()), allowed, "{rp_id}");
        }
        for (host, rp_id, allowed) in [
            ("login.acme.co.uk", "acme.co.uk", true),
            ("login.acme.co.uk", "co.uk", false),
            ("acme.com", "com", false),
            ("acme.github.io", "github.io", false),
            ("acme.github.io", "acme.github.io", true),
            ("localhost", "localhost", true),
            ("idp.intranet", "intranet", true),
            ("keywright.invalid", "keywright.invalid", true),
        ] {
            let origin: Origin = format!("https://{host}").parse().unwrap();
            assert_eq!(origin.may_use(&rp_id.parse().unwrap()), allowed, "{host} {rp_id}");
        }
        assert!("http://localhost:8460".parse::<Origin>().is_ok());
        for wrong in [
            "example.org",
            "http://example.org",
            "https://example.org/",
            "https://[::1]",
            "https://a:99999",
            "https://a:443",
        ] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
