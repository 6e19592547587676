//! Weaknesses of models that their makers published (`advisories.toml`). Metadata reports hardly any: of about 350 FIDO2 models
//! in the autumn of 2026, it called one revoked and none compromised.

use std::ops::Range;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Advice, AttestationCertificate, Exposure, Firmware};
use keywright_fido::webauthn::Aaguid;

/// The table that comes with keywright.
pub(super) fn built_in() -> &'static Advisories {
    static TABLE: LazyLock<Advisories> =
        LazyLock::new(|| toml::from_str(include_str!("advisories.toml")).expect("the table is parsed by a test"));
    &TABLE
}

/// A table of advisories.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advisories {
    advisory: Vec<Advisory>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advisory {
    id: String,
    link: String,
    summary: String,
    models: Vec<Models>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Models {
    aaguids: Vec<Aaguid>,
    #[serde(default)]
    yubico_devices: Vec<u32>,
    #[serde(default = "from_the_start")]
    from: Firmware,
    below: Firmware,
    unnamed_below: Option<Firmware>,
}

fn from_the_start() -> Firmware {
    Firmware::Dotted([0, 0, 0])
}

impl Advisories {
    /// What is known of a key of this model with this firmware.
    pub(super) fn about(
        &self,
        aaguid: Aaguid,
        leaf: Option<&AttestationCertificate>,
        firmware: Option<Firmware>,
    ) -> Vec<Advice> {
        let device = leaf.and_then(|leaf| leaf.yubico_device).filter(|_| aaguid == Aaguid::ZERO);
        let concerns = |models: &&Models| {
            models.aaguids.contains(&aaguid) || device.is_some_and(|device| models.yubico_devices.contains(&device))
        };
        let mut advice = Vec::new();
        for advisory in &self.advisory {
            let exposures =
                advisory.models.iter().filter(concerns).filter_map(|models| models.exposure(leaf, firmware));
            if let Some(exposure) = exposures.min() {
                advice.push(Advice {
                    id: advisory.id.clone(),
                    summary: advisory.summary.clone(),
                    link: advisory.link.clone(),
                    exposure,
                });
            }
        }
        advice
    }
}

impl Models {
    fn exposure(&self, leaf: Option<&AttestationCertificate>, firmware: Option<Firmware>) -> Option<Exposure> {
        let Range { start, end } = self.from..self.below;
        match firmware {
            Some(firmware) if firmware >= end || firmware < start => None,
            Some(firmware) if firmware < end => Some(Exposure::Affected),
            // In a form that cannot be compared.
            Some(_) => Some(Exposure::Unknown),
            None if leaf.is_some() && self.unnamed_below.is_some_and(|latest| latest <= end) => {
                Some(Exposure::Presumed)
            }
            None => Some(Exposure::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Maker, leaf_params};

    const FIVE: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";
    const BIO: &str = "d8522d9f-575b-4866-88a9-ba99fa02f35b";

    fn exposure(aaguid: &str, certified: bool, firmware: Option<&str>) -> Option<Exposure> {
        let leaf = AttestationCertificate::read(&Maker::new().leaf(&leaf_params())).unwrap();
        let firmware = firmware.map(|text| text.parse().unwrap());
        let advice = built_in().about(aaguid.parse().unwrap(), certified.then_some(&leaf), firmware);
        assert!(advice.len() <= 1, "{advice:?}");
        advice.first().map(|advice| advice.exposure)
    }

    #[test]
    fn firmware_decides() {
        for (aaguid, firmware, expected) in [
            (FIVE, "5.2.4", Some(Exposure::Affected)),
            (FIVE, "5.6.255", Some(Exposure::Affected)),
            (FIVE, "5.7.0", None),
            (FIVE, "5.10.0", None),
            (BIO, "5.7.1", Some(Exposure::Affected)),
            (BIO, "5.7.2", None),
            (FIVE, "328707", Some(Exposure::Unknown)),
            ("ff4dac45-ede8-4ec2-aced-cf66103f4335", "5.4.3", None),
        ] {
            assert_eq!(exposure(aaguid, true, Some(firmware)), expected, "{aaguid} {firmware}");
        }
    }

    #[test]
    fn unknown_firmware_is_called_unknown_or_presumed_old() {
        assert_eq!(exposure(FIVE, true, None), Some(Exposure::Presumed));
        assert_eq!(exposure(FIVE, false, None), Some(Exposure::Unknown), "no certificate, no inference");
        assert_eq!(exposure(BIO, true, None), Some(Exposure::Unknown), "every one of these names its firmware");
        assert_eq!(exposure("5d629218-d3a5-11ed-afa1-0242ac120002", true, None), Some(Exposure::Unknown));
    }

    #[test]
    fn the_table_is_sound() {
        for advisory in &built_in().advisory {
            assert!(advisory.link.starts_with("https://"), "{advisory:?}");
            assert!(advisory.summary.ends_with('.') && !advisory.summary.contains('\n'), "{advisory:?}");
            for models in &advisory.models {
                assert!(models.from < models.below, "{models:?}");
                assert!(!models.aaguids.contains(&Aaguid::ZERO) && !models.aaguids.is_empty(), "{models:?}");
            }
        }
        let typo = include_str!("advisories.toml").replacen("below =", "bellow =", 1);
        assert!(toml::from_str::<Advisories>(&typo).is_err());
    }
}
