//! What Entra's methods are worth: as Graph lists them for a person, and as its report names them.
//!
//! Sources: `csdl` is microsoftgraph/msgraph-metadata, v1.0 (types derived from `authenticationMethod`); `report` is the documentation
//! of `userRegistrationDetails.methodsRegistered` and the beta enumeration `usageAuthMethod`.

use crate::idp::capability::methods::{MethodClass, MethodKind, MethodTable};

const fn line(kind: &'static str, name: &'static str, class: MethodClass, source: &'static str) -> MethodKind {
    MethodKind { kind, name, class, source }
}

use MethodClass::{DeviceBound, Phishable, PhishingResistant, Platform, Recovery, Synced, Unknown};

const CSDL: &str = "csdl: a type of authenticationMethod";
const REPORT: &str = "report: methodsRegistered";

/// Types of a person's methods, without the `AuthenticationMethod` at their ends.
pub(super) const CLASSES: MethodTable = MethodTable(&[
    line("fido2", "passkey", PhishingResistant, "csdl: fido2AuthenticationMethod; passkeyType tells bound from synced"),
    line("windowsHelloForBusiness", "Windows Hello for Business", Platform, CSDL),
    line("platformCredential", "platform credential", Platform, CSDL),
    line("x509Certificate", "certificate", PhishingResistant, "csdl: x509CertificateAuthenticationMethodConfiguration"),
    line("password", "password", Phishable, CSDL),
    line("phone", "phone", Phishable, "csdl: phoneAuthenticationMethod; SMS and voice"),
    line("email", "email", Phishable, "csdl: emailAuthenticationMethod; for password reset"),
    line("softwareOath", "software OATH token", Phishable, CSDL),
    line("hardwareOath", "hardware OATH token", Phishable, "csdl, beta: hardwareOathAuthenticationMethod"),
    line("microsoftAuthenticator", "Microsoft Authenticator", Phishable, "csdl; push and codes"),
    line("passwordlessMicrosoftAuthenticator", "Microsoft Authenticator (phone sign-in)", Phishable, "csdl, beta"),
    line("temporaryAccessPass", "Temporary Access Pass", Recovery, CSDL),
    line("qrCodePin", "QR code with PIN", Phishable, CSDL),
    line("external", "external method", Unknown, "csdl: externalAuthenticationMethod; another product's"),
]);

/// Words of the report.
pub(super) const REPORTED: MethodTable = MethodTable(&[
    line("fido2", "passkey", PhishingResistant, REPORT),
    line("fido2SecurityKey", "passkey", PhishingResistant, REPORT),
    line("passKeyDeviceBound", "passkey (device-bound)", DeviceBound, REPORT),
    line("passKeyDeviceBoundAuthenticator", "passkey in Microsoft Authenticator", DeviceBound, REPORT),
    line("passKeyDeviceBoundWindowsHello", "passkey in Windows Hello", Platform, REPORT),
    line("passKeySynced", "passkey (synced)", Synced, REPORT),
    line("windowsHelloForBusiness", "Windows Hello for Business", Platform, REPORT),
    line("macOsSecureEnclaveKey", "platform credential", Platform, REPORT),
    line("microsoftAuthenticatorPasswordless", "Microsoft Authenticator (phone sign-in)", Phishable, REPORT),
    line("microsoftAuthenticatorPush", "Microsoft Authenticator", Phishable, REPORT),
    line("mobilePhone", "phone (mobile)", Phishable, REPORT),
    line("alternateMobilePhone", "phone (alternateMobile)", Phishable, REPORT),
    line("officePhone", "phone (office)", Phishable, REPORT),
    line("sms", "phone", Phishable, REPORT),
    line("mobileSMS", "phone", Phishable, REPORT),
    line("mobileCall", "phone", Phishable, REPORT),
    line("email", "email", Phishable, REPORT),
    line("securityQuestion", "security questions", Phishable, REPORT),
    line("appPassword", "app password", Phishable, REPORT),
    line("softwareOneTimePasscode", "software OATH token", Phishable, REPORT),
    line("hardwareOneTimePasscode", "hardware OATH token", Phishable, REPORT),
    line("oneTimePasscode", "OATH token", Phishable, REPORT),
    line("qrCode", "QR code with PIN", Phishable, REPORT),
    line("temporaryAccessPass", "Temporary Access Pass", Recovery, REPORT),
    line("externalAuthMethod", "external method", Unknown, REPORT),
]);

/// Words of the report for kinds that no request of v1.0 lists for a person.
pub(super) const IN_THE_REPORT_ALONE: [&str; 3] = ["securityQuestion", "appPassword", "hardwareOneTimePasscode"];

/// How a kind's methods are reached below a person's `authentication`, and the permission to remove one.
pub(super) fn list(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "fido2" => ("fido2Methods", "UserAuthMethod-Passkey.ReadWrite.All"),
        "phone" => ("phoneMethods", "UserAuthMethod-Phone.ReadWrite.All"),
        "email" => ("emailMethods", "UserAuthMethod-Email.ReadWrite.All"),
        "softwareOath" => ("softwareOathMethods", "UserAuthMethod-SoftwareOATH.ReadWrite.All"),
        "hardwareOath" => ("hardwareOathMethods", "UserAuthMethod-HardwareOATH.ReadWrite.All"),
        "microsoftAuthenticator" => ("microsoftAuthenticatorMethods", "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All"),
        "external" => ("externalAuthenticationMethods", "UserAuthMethod-External.ReadWrite.All"),
        "windowsHelloForBusiness" => ("windowsHelloForBusinessMethods", "UserAuthMethod-WindowsHello.ReadWrite.All"),
        "platformCredential" => ("platformCredentialMethods", "UserAuthMethod-PlatformCred.ReadWrite.All"),
        "temporaryAccessPass" => ("temporaryAccessPassMethods", "UserAuthMethod-TAP.ReadWrite.All"),
        _ => return None,
    })
}
