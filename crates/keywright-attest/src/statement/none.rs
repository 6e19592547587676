//! Format `none` (WebAuthn 8.7): an empty statement, and no proof of anything.

use super::{Certificates, Findings, Reading};
use crate::Statement;
use keywright_fido::webauthn::AttestationObject;

pub(super) fn examine<'a>(object: &'a AttestationObject, findings: &mut Findings<'_>) -> Reading<'a> {
    findings.only_members("8.7", &object.att_stmt, &[]);
    (Statement::None, Certificates::default())
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::testing::{Maker, with_member};
    use crate::{Anchors, Chain, Judge, Statement};
    use keywright_fido::webauthn::AttestationObject;
    use keywright_fido::webauthn::cbor::Value;

    #[test]
    fn an_empty_statement_proves_nothing() {
        let object =
            AttestationObject::new("none".into(), Value::Map(Vec::new()), Maker::new().self_signed().auth_data_bytes)
                .unwrap();
        let verdict = Judge::new(Anchors::none()).judge(&object, None, None, crate::testing::now());
        assert_eq!((verdict.statement, verdict.chain), (Statement::None, Chain::NotChecked));
        assert_eq!(verdict.reasons, [""; 0]);
        expect(&with_member(&object, "sig", Some(Value::from(vec![1]))), Statement::Invalid, "WebAuthn 8.7");
    }
}
