//! The subject of an attestation certificate (WebAuthn 8.2.1): its attributes as text, whatever kind of ASN.1 string they are in,
//! and the rules that it breaks.
//!
//! A rule that is broken is named as it is: an attribute in a string of another kind is there, and is no UTF8String.

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// What the OU has to be.
const UNIT: &str = "Authenticator Attestation";
/// What Yubico writes into enterprise attestations instead.
const ENTERPRISE_UNIT: &str = "Enterprise Attestation";

/// What a subject says, and where it is not as WebAuthn has it.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// The vendor, O, in whatever string it is.
    pub organization: Option<String>,
    /// Whether the OU is "Enterprise Attestation".
    pub enterprise_unit: bool,
    /// Rules of 8.2.1 that are broken: what the certificate "has".
    pub faults: Vec<String>,
}

impl Subject {
    /// Reads a subject. C is a code of ISO 3166, of which the two letters are checked: the official test vectors have the
    /// unassigned "AA".
    pub(super) fn read(name: &X509Name<'_>) -> Self {
        let mut subject = Self::default();
        let countries = subject.values("C", name.iter_country());
        let two_letters = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
        if let [first, ..] = &countries[..]
            && !countries.iter().any(two_letters)
        {
            subject.faults.push(format!("has the subject C \"{first}\" instead of a code of two letters"));
        }
        subject.organization = name.iter_organization().find_map(|value| text(value.attr_value()));
        subject.values("O", name.iter_organization());
        let units = subject.values("OU", name.iter_organizational_unit());
        subject.enterprise_unit =
            units.iter().any(|unit| unit == ENTERPRISE_UNIT) && !units.iter().any(|unit| unit == UNIT);
        if let [first, ..] = &units[..]
            && !subject.enterprise_unit
            && !units.iter().any(|unit| unit == UNIT)
        {
            subject.faults.push(format!("has the subject OU \"{first}\" instead of \"{UNIT}\""));
        }
        subject.values("CN", name.iter_common_name());
        subject
    }

    /// The values of an attribute that are text as it should be. If none is, the fault of the first.
    fn values<'a>(&mut self, kind: &str, values: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> Vec<String> {
        let values: Vec<Result<String, String>> = values.map(|value| proper(kind, value.attr_value())).collect();
        if !values.iter().any(Result::is_ok) {
            let first = values.iter().find_map(|value| value.as_ref().err());
            self.faults.push(first.cloned().unwrap_or_else(|| format!("has no subject {kind}")));
        }
        values.into_iter().flatten().collect()
    }
}

/// A value's text, or what is wrong with it. 8.2.1 asks for a UTF8String, and for C a PrintableString; RFC 5280 lets issuers choose
/// between these two, and so is either taken.
fn proper(kind: &str, value: &Any<'_>) -> Result<String, String> {
    let wanted = if kind == "C" { "PrintableString" } else { "UTF8String" };
    match (value.tag(), text(value)) {
        (_, Some(text)) if text.is_empty() => Err(format!("has an empty subject {kind}")),
        (Tag::Utf8String | Tag::PrintableString, Some(text)) => Ok(text),
        (Tag::Utf8String, None) => Err(format!("has a subject {kind} whose bytes are not UTF-8")),
        (tag, _) => Err(format!("has a subject {kind} that is {}, not a {wanted}", article(tag))),
    }
}

fn article(tag: Tag) -> String {
    match tag {
        Tag::TeletexString => "a T61String".into(),
        Tag::BmpString => "a BMPString".into(),
        Tag::UniversalString => "a UniversalString".into(),
        Tag::Ia5String => "an IA5String".into(),
        Tag::NumericString => "a NumericString".into(),
        Tag::VisibleString => "a VisibleString".into(),
        tag => format!("of ASN.1 type {}", tag.0),
    }
}

/// A string's text; none if it is no string, or has bytes that its kind does not. T61 is read as Latin-1, which is what everybody
/// has written into it.
fn text(value: &Any<'_>) -> Option<String> {
    let bytes = value.data;
    match value.tag() {
        Tag::Utf8String => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString | Tag::GeneralString => {
            bytes.is_ascii().then(|| String::from_utf8_lossy(bytes).into_owned())
        }
        Tag::BmpString => {
            let (units, rest) = bytes.as_chunks::<2>();
            let units = units.iter().copied().map(u16::from_be_bytes);
            rest.is_empty().then(|| char::decode_utf16(units).collect::<Result<_, _>>().ok())?
        }
        Tag::UniversalString => {
            let (points, rest) = bytes.as_chunks::<4>();
            let mut points = points.iter().map(|point| char::from_u32(u32::from_be_bytes(*point)));
            rest.is_empty().then(|| points.by_ref().collect())?
        }
        _ => None,
    }
}

/// A distinguished name for people, in the order of the certificate: `C=SE, O=Maker`. What is no text is in hexadecimal, as
/// RFC 4514 has it.
pub(super) fn shown(name: &X509Name<'_>) -> String {
    let attribute = |one: &AttributeTypeAndValue<'_>| {
        let kind =
            oid2abbrev(one.attr_type(), oid_registry()).map_or_else(|_| one.attr_type().to_id_string(), str::to_owned);
        let value = one.attr_value();
        let hex = || format!("#{}", data_encoding::HEXLOWER.encode(value.data));
        format!("{kind}={}", text(value).unwrap_or_else(hex))
    };
    let relative = |set: &x509_parser::x509::RelativeDistinguishedName<'_>| {
        set.iter().map(attribute).collect::<Vec<_>>().join(" + ")
    };
    name.iter().map(relative).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::FromDer;

    use super::*;

    const C: u8 = 6;
    const O: u8 = 10;
    const OU: u8 = 11;
    const CN: u8 = 3;

    const UTF8: u8 = 12;
    const PRINTABLE: u8 = 19;
    const T61: u8 = 20;
    const IA5: u8 = 22;
    const UNIVERSAL: u8 = 28;
    const BMP: u8 = 30;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    /// id-at-`kind`, with a value of this tag.
    fn attribute((kind, tag, value): (u8, u8, &[u8])) -> Vec<u8> {
        der(0x30, &[der(6, &[0x55, 4, kind]), der(tag, value)].concat())
    }

    fn name(sets: &[&[(u8, u8, &[u8])]]) -> Vec<u8> {
        let sets = sets.iter().map(|set| der(0x31, &set.iter().copied().map(attribute).collect::<Vec<_>>().concat()));
        der(0x30, &sets.collect::<Vec<_>>().concat())
    }

    fn read(name: &[u8]) -> (Subject, String) {
        let (_, name) = X509Name::from_der(name).unwrap();
        (Subject::read(&name), shown(&name))
    }

    const GOOD: [(u8, u8, &[u8]); 4] =
        [(C, PRINTABLE, b"SE"), (O, UTF8, b"Maker"), (OU, UTF8, UNIT.as_bytes()), (CN, UTF8, b"key")];

    /// The good subject with one attribute in another form: the faults, and how it is shown.
    fn with(kind: u8, tag: u8, value: &[u8]) -> (Vec<String>, String) {
        let attributes = GOOD.map(|one| if one.0 == kind { (kind, tag, value) } else { one });
        let sets: Vec<&[(u8, u8, &[u8])]> = attributes.iter().map(std::slice::from_ref).collect();
        let (subject, shown) = read(&name(&sets));
        (subject.faults, shown)
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn a_good_subject_in_any_order_and_any_grouping() {
        let [c, o, ou, cn] = GOOD;
        for sets in [&[&[c][..], &[o], &[ou], &[cn]][..], &[&[cn], &[ou], &[o], &[c]], &[&[c, o], &[ou, cn]]] {
            let (subject, _) = read(&name(sets));
            assert_eq!((subject.faults, subject.organization.as_deref()), (vec![], Some("Maker")));
        }
        assert_eq!(read(&name(&[&[c, o], &[ou]])).1, "C=SE + O=Maker, OU=Authenticator Attestation");
        assert_eq!(with(O, PRINTABLE, b"Maker").0, [""; 0]);
        assert_eq!(with(C, UTF8, b"se").0, [""; 0]);
        let two_units: &[&[(u8, u8, &[u8])]] = &[&[c], &[o], &[(OU, UTF8, b"Batch 7")], &[ou], &[cn]];
        assert_eq!(read(&name(two_units)).0.faults, [""; 0]);
    }

    #[test]
    fn another_kind_of_string_is_there_and_is_not_the_right_one() {
        let wide: Vec<u8> = "Maker".chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect();
        for (kind, tag, value, fault) in [
            (O, BMP, utf16("Maker"), "has a subject O that is a BMPString, not a UTF8String"),
            (O, UNIVERSAL, wide, "has a subject O that is a UniversalString, not a UTF8String"),
            (O, T61, b"F\xfctura".to_vec(), "has a subject O that is a T61String, not a UTF8String"),
            (O, UTF8, b"F\xfctura".to_vec(), "has a subject O whose bytes are not UTF-8"),
            (O, BMP, vec![0], "has a subject O that is a BMPString, not a UTF8String"),
            (O, 4, b"Maker".to_vec(), "has a subject O that is of ASN.1 type 4, not a UTF8String"),
            (O, UTF8, vec![], "has an empty subject O"),
            (OU, BMP, utf16(UNIT), "has a subject OU that is a BMPString, not a UTF8String"),
            (CN, IA5, b"key".to_vec(), "has a subject CN that is an IA5String, not a UTF8String"),
            (C, T61, b"SE".to_vec(), "has a subject C that is a T61String, not a PrintableString"),
            (C, PRINTABLE, b"SWE".to_vec(), "has the subject C \"SWE\" instead of a code of two letters"),
        ] {
            assert_eq!(with(kind, tag, &value).0, [fault], "{kind} {tag} {value:?}");
        }
        let (faults, _) = with(OU, UTF8, b"Authenticator Attestation ");
        assert_eq!(
            faults,
            ["has the subject OU \"Authenticator Attestation \" instead of \"Authenticator Attestation\""]
        );
    }

    #[test]
    fn every_string_is_shown_as_text() {
        for (tag, value, shown) in [
            (BMP, utf16("Mäker"), "O=Mäker"),
            (T61, b"M\xe4ker".to_vec(), "O=Mäker"),
            (UTF8, b"M\xe4ker".to_vec(), "O=#4de46b6572"),
            (BMP, vec![0xd8, 0], "O=#d800"),
            (UNIVERSAL, vec![0, 0x11, 0, 0], "O=#00110000"),
            (2, vec![7], "O=#07"),
        ] {
            assert!(with(O, tag, &value).1.contains(&format!("C=SE, {shown}, OU=")), "{shown}");
        }
        assert_eq!(with(O, BMP, &utf16("Maker")).1, "C=SE, O=Maker, OU=Authenticator Attestation, CN=key");
    }

    #[test]
    fn an_enterprise_unit_is_told() {
        assert!(with(OU, UTF8, ENTERPRISE_UNIT.as_bytes()).0.is_empty());
        let subject = read(&name(&[&[(OU, UTF8, ENTERPRISE_UNIT.as_bytes())]])).0;
        assert!(subject.enterprise_unit);
        assert_eq!(subject.faults, ["has no subject C", "has no subject O", "has no subject CN"]);
    }
}
