//! IdPs without an API for registering keys: any that is not in the list, and Google Workspace, whose Admin SDK is read beside it
//! ([`super::google_workspace`]).
//!
//! The key is made ready and proved here, with a credential of nobody's RP ID that stays off its list; a person registers it at
//! the IdP, and a drill confirms that. Settings:
//!
//! ```toml
//! [idp.bank]
//! kind = "manual"
//! rp-id = "bank.example"                          # what the browser makes the credential for
//! sign-in-url = "https://login.bank.example"
//! steps = ["Sign in as an administrator at https://admin.bank.example.", "People > the person > Add a security key."]
//! resident-key = false                            # if its credentials are not passkeys [true]
//! ```
//!
//! It refuses to say anything of the IdP that nobody asked it: accounts are taken at their login, and what has to be done or
//! looked at there is told to a person.

use serde::Deserialize;

use super::connection::{ConnectionConfig, IdpSettings, OpenError};
use super::directory::{ByHand, Directory, Finding, Registered, Registration, User};
use super::error::{DirectoryError, IdpName};
use super::http::ServerUrl;
use super::own_challenge;
use super::question::Question;
use crate::ledger::IdpInstance;
use crate::secret::SecretSource;
use keywright_fido::webauthn::{
    Ceremony, RegistrationResponse, RelyingParty, RpId, UserEntity, UserHandle, WebauthnError,
};
use keywright_files::shown;

/// What `kind = "manual"` has of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Table")]
pub struct Settings {
    /// The RP ID of the IdP's credentials. A page at `sign_in_url` may use it.
    rp_id: RpId,
    /// Where people sign in.
    pub sign_in_url: ServerUrl,
    /// What has to be done to register a key, a sentence each.
    steps: Vec<String>,
    /// Whether the IdP makes resident credentials.
    resident_key: bool,
}

/// The settings as they are written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    rp_id: RpId,
    sign_in_url: ServerUrl,
    #[serde(default)]
    steps: Vec<String>,
    #[serde(default = "yes")]
    resident_key: bool,
}

impl TryFrom<Table> for Settings {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let Table { rp_id, sign_in_url, steps, resident_key } = table;
        let origin = sign_in_url.origin().map_err(|error| format!("sign-in-url: {error}"))?;
        if !origin.may_use(&rp_id) {
            return Err(format!("rp-id {rp_id} is neither the host of sign-in-url nor a parent domain of it"));
        }
        if steps.iter().any(|step| step.trim().is_empty() || step.contains(shown::is_hidden)) {
            return Err("steps has one that is empty, or of several lines".to_owned());
        }
        Ok(Self { rp_id, sign_in_url, steps, resident_key })
    }
}

fn yes() -> bool {
    true
}

impl IdpSettings for Settings {
    fn address(&self) -> &str {
        &self.sign_in_url
    }

    fn secret(&self) -> Option<&SecretSource> {
        None
    }

    fn open(&self, connection: &ConnectionConfig) -> Result<Box<dyn Directory>, OpenError> {
        Ok(Box::new(Manual::new(connection, self)))
    }
}

/// What [`Settings`] are asked for.
pub const QUESTIONS: &[Question] = &[
    Question::text("rp-id", "For which domain does the IdP make credentials?", "bank.example").found(
        "its RP ID: the sign-in page's host, or a parent domain of it, as the browser shows it when a key is added",
    ),
    Question::text("sign-in-url", "Where do people sign in?", "https://login.bank.example"),
    Question::list(
        "steps",
        "What has to be done there to register a key for somebody?",
        "Sign in as an administrator at https://admin.bank.example, People > the person > Add a security key",
    )
    .found("what people will read, up to the sign-in with the new key; several steps with commas between them")
    .or("words that fit any IdP"),
    Question::yes_no("resident-key", "Does it make resident credentials (passkeys)?")
        .found("if not, the key cannot show that it was registered, and a person's word has to do")
        .or("yes"),
];

/// An IdP that only people talk to.
#[derive(Debug)]
pub struct Manual {
    name: IdpName,
    instance: IdpInstance,
    by_hand: ByHand,
}

impl Manual {
    /// Any IdP.
    pub fn new(connection: &ConnectionConfig, settings: &Settings) -> Self {
        let Settings { rp_id, sign_in_url, steps, resident_key } = settings.clone();
        let url = sign_in_url.to_string();
        let any = || {
            vec![
                format!(
                    "Add the key to the account at the identity provider of {url}, as a security key or passkey, in a browser; \
                     type the key's PIN and touch it."
                ),
                format!("Sign in as the person at {url} with the key, in a private window."),
            ]
        };
        let steps = if steps.is_empty() { any() } else { steps };
        let removal = format!("remove the key from the account at the identity provider of {url}");
        let instance = IdpInstance::by_hand(rp_id.as_str());
        let by_hand = ByHand { rp_id, sign_in_url: url, steps, removal, resident_key };
        Self { name: IdpName::new(&connection.name), instance, by_hand }
    }

    /// Google Workspace and Cloud Identity: the Admin SDK has no call that adds, lists or removes a security key; the console has
    /// (<https://support.google.com/a/answer/2537800>).
    pub fn google_workspace(connection: &ConnectionConfig) -> Result<Self, OpenError> {
        const CONSOLE: &str =
            "admin.google.com > Directory > Users > the person > Security > Passkeys and security keys";
        let rp_id = "google.com".parse().map_err(|error: WebauthnError| connection.refuse(error.to_string()))?;
        let steps = [
            format!(
                "Sign in as an administrator who may change users' security, and open {CONSOLE} > Add security key."
            ),
            "Choose the security key where the browser asks, type the key's PIN if it wants it, and touch the key."
                .to_owned(),
            "Let the person sign in with it at https://accounts.google.com, in a private window.".to_owned(),
        ];
        Ok(Self {
            name: IdpName::new(&connection.name),
            instance: IdpInstance::by_hand("google.com"),
            by_hand: ByHand {
                rp_id,
                sign_in_url: "https://accounts.google.com".to_owned(),
                steps: steps.into(),
                removal: format!("remove the key at {CONSOLE}"),
                // A key that is a second step only is registered without.
                resident_key: false,
            },
        })
    }

    fn no_api(&self, what: &str) -> DirectoryError {
        let why = format!("it has no API, so keywright cannot {what}; a person has to, in its console");
        self.name.refused(why)
    }

    fn ceremony(&self, user: &User) -> Result<Ceremony, WebauthnError> {
        let rp = RelyingParty { id: RpId::PROBE, name: self.name.to_string() };
        let entity = UserEntity {
            id: UserHandle::new(own_challenge::random())?,
            name: user.login.clone(),
            display_name: user.display_name.clone(),
        };
        let origin = format!("https://{}", rp.id).parse()?;
        let mut ceremony = own_challenge::ceremony(&user.id, rp, entity, origin);
        // It stays off the key's list.
        ceremony.options.authenticator_selection.resident_key = Some("discouraged".into());
        ceremony.options.authenticator_selection.require_resident_key = false;
        Ok(ceremony)
    }
}

impl Directory for Manual {
    fn name(&self) -> &str {
        &self.name
    }

    fn instance(&self) -> Result<IdpInstance, DirectoryError> {
        Ok(self.instance.clone())
    }

    fn preflight(&self) -> Result<Vec<Finding>, DirectoryError> {
        let message = format!(
            "{} has no API for keys: each key is made ready here, registered by a person, and confirmed with 'keywright drill'; \
             accounts, and weaker ways to sign in that they have, are not looked at",
            self.name
        );
        Ok(vec![Finding::says(message)])
    }

    /// Nobody can be asked; the login is all that is known.
    fn find_user(&self, login: &str) -> Result<User, DirectoryError> {
        Ok(User { id: login.to_owned(), login: login.to_owned(), display_name: login.to_owned(), active: true })
    }

    fn begin(&self, user: &User) -> Result<Ceremony, DirectoryError> {
        self.ceremony(user).map_err(|error| self.name.refused(error.to_string()))
    }

    fn complete(&self, _: &Ceremony, _: &RegistrationResponse, _: &str) -> Result<Registered, DirectoryError> {
        Err(self.no_api("register a key"))
    }

    /// Nothing is ever begun there.
    fn abandon(&self, _: &User, _: &str) -> Result<(), DirectoryError> {
        Ok(())
    }

    /// Nothing is ever begun there.
    fn pending(&self, _: &User) -> Result<Vec<String>, DirectoryError> {
        Ok(Vec::new())
    }

    fn list(&self, _: &User) -> Result<Vec<Registered>, DirectoryError> {
        Err(self.no_api("list the account's keys"))
    }

    fn revoke(&self, _: &User, _: &Registered) -> Result<(), DirectoryError> {
        Err(self.no_api("remove a key"))
    }

    fn registration(&self) -> Registration<'_> {
        Registration::ByHand(&self.by_hand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Result<Manual, String> {
        let settings: Settings = toml::from_str(text).map_err(|error| error.to_string())?;
        let connection = ConnectionConfig { name: "bank".into(), ..ConnectionConfig::default() };
        Ok(Manual::new(&connection, &settings))
    }

    const BANK: &str = "rp-id = \"bank.example\"\nsign-in-url = \"https://login.bank.example\"\n";

    #[test]
    fn what_people_have_to_do_is_told() {
        let bank = open(BANK).unwrap();
        let by_hand = bank.registration().by_hand().unwrap();
        assert!(by_hand.resident_key && by_hand.steps.len() == 2);
        assert!(by_hand.steps.iter().all(|step| step.contains("https://login.bank.example")));
        let own = open(&format!("{BANK}steps = [\"First.\", \"Then.\"]\nresident-key = false\n")).unwrap();
        assert_eq!(own.registration().by_hand().unwrap().steps, ["First.", "Then."]);
        assert!(!own.registration().by_hand().unwrap().resident_key);
        let google = Manual::google_workspace(&ConnectionConfig::default()).unwrap();
        assert_eq!(google.registration().by_hand().unwrap().rp_id.as_str(), "google.com");
    }

    #[test]
    fn settings_that_no_browser_would_follow_are_refused() {
        for (text, why) in [
            (BANK.replace("login.bank", "login.bunk"), "rp-id bank.example is neither"),
            (format!("{BANK}steps = [\"\"]\n"), "steps"),
            (format!("{BANK}steps = [\"a\\u001bb\"]\n"), "steps"),
            (BANK.replace("https://", "http://"), "neither https nor on this machine"),
        ] {
            let error = open(&text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn nobody_speaks_for_the_idp() {
        let bank = open(BANK).unwrap();
        let ada = bank.find_user("ada@bank.example").unwrap();
        assert!(matches!(bank.list(&ada), Err(DirectoryError::Refused { why, .. }) if why.contains("no API")));
        let registered = Registered { id: "1".into(), credential_id: None, label: String::new(), in_service: true };
        assert!(bank.revoke(&ada, &registered).is_err());
        assert!(bank.preflight().unwrap().iter().all(|finding| !finding.blocks));
        let (one, other) = (bank.begin(&ada).unwrap(), bank.begin(&ada).unwrap());
        assert_ne!(one.options.challenge, other.options.challenge);
        assert!(one.origin.may_use(&one.options.rp.id) && one.options.rp.id == RpId::PROBE);
    }
}
