//! Bytes in JSON as base64url without padding (RFC 4648 section 5), for `#[serde(with = "base64url")]`.
//!
//! Refuses padding, line breaks and left-over bits: one text for one value.

use data_encoding::BASE64URL_NOPAD;
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serializer};

/// Writes the text.
pub fn serialize<S: Serializer>(bytes: &impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&BASE64URL_NOPAD.encode_display(bytes.as_ref()))
}

/// Reads the text.
pub fn deserialize<'de, D: Deserializer<'de>, T: From<Vec<u8>>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
    bytes.map(T::from).map_err(|error| D::Error::custom(format!("not base64url: {error}")))
}

/// The same for bytes that may be absent.
pub mod option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the text, or `null`.
    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Text<'a>(#[serde(serialize_with = "super::serialize")] &'a [u8]);
        bytes.as_deref().map(Text).serialize(serializer)
    }

    /// Reads the text, or `null`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        #[derive(Deserialize)]
        struct Text(#[serde(deserialize_with = "super::deserialize")] Vec<u8>);
        Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(bytes)| bytes))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Members {
        #[serde(with = "super")]
        all: Vec<u8>,
        #[serde(default, with = "super::option", skip_serializing_if = "Option::is_none")]
        some: Option<Vec<u8>>,
    }

    #[test]
    fn bytes_are_text_without_padding() {
        for (json, all, some) in
            [(r#"{"all":"-_8"}"#, vec![0xfb, 0xff], None), (r#"{"all":"","some":"AQID"}"#, vec![], Some(vec![1, 2, 3]))]
        {
            let members = Members { all, some };
            assert_eq!(serde_json::to_string(&members).unwrap(), json);
            assert_eq!(serde_json::from_str::<Members>(json).unwrap(), members);
        }
        for wrong in ["-_8=", "+/8", "-_9", "-_8\\n", "A"] {
            let error = serde_json::from_str::<Members>(&format!("{{\"all\":\"{wrong}\"}}")).unwrap_err().to_string();
            assert!(error.contains("not base64url"), "{wrong}: {error}");
        }
    }
}
