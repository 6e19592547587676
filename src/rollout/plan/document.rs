//! The plan as people write it: TOML, read strictly. Everything that is wrong is told at once, each with line and column.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::day::Day;
use super::{Contractor, Decision, Factor, GroupPlan, MayStay, PathPlan, Plan, PlanFault, SharedAccount, Who};
use crate::profile::{ProfileName, Profiles, login};
use keywright_files::shown;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct GroupTable {
    name: Spanned<String>,
    group: Option<Spanned<String>>,
    role: Option<Spanned<String>>,
    all_admins: Option<Spanned<bool>>,
    policy_group: Option<Spanned<String>>,
    factor: Spanned<Factor>,
    profile: Option<Spanned<ProfileName>>,
    wave: Option<Spanned<String>>,
    supporter: Spanned<String>,
    #[serde(default)]
    may_stay: Vec<StayTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct StayTable {
    method: Spanned<String>,
    until: Day,
    why: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SharedTable {
    account: Spanned<String>,
    custodians: Spanned<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ContractorTable {
    account: Spanned<String>,
    sponsor: Spanned<String>,
    until: Day,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PathTable {
    name: Spanned<String>,
    application: Option<Spanned<String>>,
    owner: Spanned<String>,
    factor: Option<Spanned<Factor>>,
    decision: Option<Spanned<Word>>,
    until: Option<Spanned<Day>>,
    why: Option<Spanned<String>>,
}

/// What may stand after `decision =`; nothing there is "not decided yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Covered,
    SwitchOff,
    AcceptRisk,
}

/// Reads a plan, or says everything that is wrong with it.
pub(super) fn read(text: &str, profiles: &Profiles) -> Result<Plan, Vec<PlanFault>> {
    let mut reading = Reading { text, profiles, faults: Vec::new() };
    let plan = reading.plan();
    if reading.faults.is_empty() {
        return Ok(plan);
    }
    reading.faults.sort();
    Err(reading.faults)
}

struct Reading<'a> {
    text: &'a str,
    profiles: &'a Profiles,
    faults: Vec<PlanFault>,
}

impl Reading<'_> {
    fn plan(&mut self) -> Plan {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        if !errors.is_empty() {
            // What comes after a fault of the language is not what was meant.
            for error in errors {
                self.error(&error);
            }
            return Plan::default();
        }
        let mut plan = Plan::default();
        for (key, value) in document.into_inner() {
            match key.get_ref().as_ref() {
                "idp" => plan.idp = self.table::<Spanned<String>>(value).and_then(|idp| self.line("idp", &idp)),
                "group" => plan.groups = self.tables(value, Self::group),
                "shared" => plan.shared = self.tables(value, Self::shared),
                "contractor" => plan.contractors = self.tables(value, Self::contractor),
                "path" => plan.paths = self.tables(value, Self::path),
                "paths-vouched-by" => {
                    let name = self.table::<Spanned<String>>(value);
                    plan.paths_vouched_by = name.and_then(|name| self.line("paths-vouched-by", &name));
                }
                "models-vouched-by" => {
                    let name = self.table::<Spanned<String>>(value);
                    plan.models_vouched_by = name.and_then(|name| self.line("models-vouched-by", &name));
                }
                "administrators-vouched-by" => {
                    let name = self.table::<Spanned<String>>(value);
                    let name = name.and_then(|name| self.line("administrators-vouched-by", &name));
                    plan.administrators_vouched_by = name;
                }
                "what-if-vouched-by" => {
                    let name = self.table::<Spanned<String>>(value);
                    plan.what_if_vouched_by = name.and_then(|name| self.line("what-if-vouched-by", &name));
                }
                other => {
                    let why = format!(
                        "unknown setting `{other}`, expected idp, paths-vouched-by, models-vouched-by, administrators-vouched-by, what-if-vouched-by, group, shared, contractor or path"
                    );
                    self.fault(key.span().start, why);
                }
            }
        }
        plan
    }

    /// Each table of an array of tables that is in order.
    fn tables<T: DeserializeOwned, P>(
        &mut self,
        value: Spanned<DeValue<'_>>,
        read: fn(&mut Self, T, &[P]) -> Option<P>,
    ) -> Vec<P> {
        let at = value.span().start;
        let DeValue::Array(tables) = value.into_inner() else {
            self.fault(at, "a list of tables is expected here, each under its name in [[ ]]");
            return Vec::new();
        };
        let mut all = Vec::new();
        for table in tables {
            let one = self.table(table).and_then(|table| read(self, table, &all));
            all.extend(one);
        }
        all
    }

    fn table<T: DeserializeOwned>(&mut self, value: Spanned<DeValue<'_>>) -> Option<T> {
        T::deserialize(ValueDeserializer::from(value)).map_err(|error| self.error(&error)).ok()
    }

    fn group(&mut self, table: GroupTable, earlier: &[GroupPlan]) -> Option<GroupPlan> {
        let name = self.line("name", &table.name);
        if let Some(name) = &name
            && earlier.iter().any(|other| login::is_same(&other.name, name))
        {
            self.fault(table.name.span().start, format!("the group \"{name}\" is there already"));
        }
        let who = self.who(&table);
        if let Some(other) = who.as_ref().and_then(|who| earlier.iter().find(|other| other.who == *who)) {
            self.fault(table.name.span().start, format!("\"{}\" has the same people", other.name));
        }
        let policy_group = table.policy_group.as_ref().and_then(|group| self.line("policy-group", group));
        let factor = *table.factor.get_ref();
        let profile = match (&table.profile, factor.has_keys()) {
            (None, false) => None,
            (Some(profile), true) if self.profiles.contains_key(profile.get_ref()) => Some(profile.get_ref().clone()),
            (Some(profile), true) => {
                let known: Vec<&str> = self.profiles.keys().map(ProfileName::as_str).collect();
                let why = format!("there is no profile \"{}\"; there are {}", profile.get_ref(), known.join(", "));
                self.fault(profile.span().start, why);
                None
            }
            (Some(profile), false) => {
                let why = format!("no key is made for a {}: leave the profile out", factor.words());
                self.fault(profile.span().start, why);
                None
            }
            (None, true) => {
                let why = format!("{} are made by a profile: profile = \"admin\"", factor.words());
                self.fault(table.factor.span().start, why);
                None
            }
        };
        let wave = table.wave.as_ref().and_then(|wave| self.line("wave", wave));
        let supporter = self.line("supporter", &table.supporter);
        let mut may_stay: Vec<MayStay> = Vec::new();
        for stay in &table.may_stay {
            let at = stay.method.span().start;
            let (method, why) = (self.line("method", &stay.method), self.line("why", &stay.why));
            let (Some(method), Some(why)) = (method, why) else { continue };
            if may_stay.iter().any(|other| login::is_same(&other.method, &method)) {
                self.fault(at, format!("{method} is listed twice"));
            }
            may_stay.push(MayStay { method, until: stay.until.0, why });
        }
        Some(GroupPlan { name: name?, who: who?, policy_group, factor, profile, wave, supporter: supporter?, may_stay })
    }

    fn who(&mut self, table: &GroupTable) -> Option<Who> {
        match (&table.group, &table.role, &table.all_admins) {
            (Some(group), None, None) => self.line("group", group).map(Who::Group),
            (None, Some(role), None) => self.line("role", role).map(Who::Role),
            (None, None, Some(all)) if *all.get_ref() => Some(Who::AllAdmins),
            (None, None, Some(all)) => {
                self.fault(all.span().start, "all-admins = true, or leave it out");
                None
            }
            _ => {
                let why = "say who is in it with one of: group = \"...\", role = \"...\", all-admins = true";
                self.fault(table.name.span().start, why);
                None
            }
        }
    }

    fn shared(&mut self, table: SharedTable, earlier: &[SharedAccount]) -> Option<SharedAccount> {
        let account = self.account(&table.account)?;
        if earlier.iter().any(|other| login::is_same(&other.account, &account)) {
            self.fault(table.account.span().start, format!("{account} is there already"));
        }
        let mut custodians: Vec<String> = Vec::new();
        for custodian in table.custodians.get_ref() {
            let Some(login) = self.account(custodian) else { continue };
            let at = custodian.span().start;
            if login::is_same(&login, &account) {
                self.fault(at, format!("{login} cannot be its own custodian: name a person"));
            } else if custodians.iter().any(|other| login::is_same(other, &login)) {
                self.fault(at, format!("{login} is listed twice"));
            } else {
                custodians.push(login);
            }
        }
        if table.custodians.get_ref().len() < 2 {
            let why = "a shared account has two custodians at least, each with keys of their own";
            self.fault(table.custodians.span().start, why);
        }
        Some(SharedAccount { account, custodians })
    }

    fn contractor(&mut self, table: ContractorTable, earlier: &[Contractor]) -> Option<Contractor> {
        let account = self.account(&table.account)?;
        if earlier.iter().any(|other| login::is_same(&other.account, &account)) {
            self.fault(table.account.span().start, format!("{account} is there already"));
        }
        let sponsor = self.line("sponsor", &table.sponsor)?;
        Some(Contractor { account, sponsor, until: table.until.0 })
    }

    fn path(&mut self, table: PathTable, earlier: &[PathPlan]) -> Option<PathPlan> {
        let name = self.line("name", &table.name);
        if let Some(name) = &name
            && earlier.iter().any(|other| login::is_same(&other.name, name))
        {
            self.fault(table.name.span().start, format!("the path \"{name}\" is there already"));
        }
        let application = table.application.as_ref().and_then(|text| self.line("application", text));
        let owner = self.line("owner", &table.owner);
        let decision = self.decision(&table);
        let factor = table.factor.as_ref().map(|factor| *factor.get_ref());
        Some(PathPlan { name: name?, application, owner: owner?, factor, decision: decision? })
    }

    /// What is decided, with all that such a decision rests on and nothing that it does not.
    fn decision(&mut self, table: &PathTable) -> Option<Decision> {
        let at = table.decision.as_ref().map_or(table.name.span().start, |word| word.span().start);
        let word = table.decision.as_ref().map(|word| *word.get_ref());
        let why = table.why.as_ref().and_then(|why| self.line("why", why));
        let until: Option<Date> = table.until.as_ref().map(|until| until.get_ref().0);
        let stray = match word {
            None | Some(Word::Covered) => [
                table.until.as_ref().map(|until| (until.span().start, "until")),
                table.why.as_ref().map(|why| (why.span().start, "why")),
            ],
            Some(Word::SwitchOff) => [table.why.as_ref().map(|why| (why.span().start, "why")), None],
            Some(Word::AcceptRisk) => [None, None],
        };
        for (at, setting) in stray.into_iter().flatten() {
            self.fault(at, format!("`{setting}` does not go with this decision"));
        }
        match word {
            None => Some(Decision::Undecided),
            Some(Word::Covered) if table.factor.is_some() => Some(Decision::Covered),
            Some(Word::Covered) => {
                self.fault(at, "say what it is covered by: factor = \"hardware-keys\"");
                None
            }
            Some(Word::SwitchOff) => match until {
                Some(until) => Some(Decision::SwitchOff { until }),
                None => {
                    self.fault(at, "say when it goes: until = 2027-01-31");
                    None
                }
            },
            Some(Word::AcceptRisk) => match (until, why) {
                (Some(until), Some(why)) => Some(Decision::AcceptRisk { until, why }),
                _ => {
                    self.fault(
                        at,
                        "a risk is accepted until a day and for a reason: until = 2027-01-31, why = \"...\"",
                    );
                    None
                }
            },
        }
    }

    /// A line of text with something in it.
    fn line(&mut self, setting: &str, text: &Spanned<String>) -> Option<String> {
        let trimmed = text.get_ref().trim();
        if trimmed.is_empty() || trimmed.contains(shown::is_hidden) {
            self.fault(text.span().start, format!("`{setting}` is one line of text"));
            return None;
        }
        Some(trimmed.to_owned())
    }

    /// A login that people can read.
    fn account(&mut self, text: &Spanned<String>) -> Option<String> {
        let composed = login::composed(text.get_ref());
        if composed.is_empty() {
            self.fault(text.span().start, "a login is expected here");
            return None;
        }
        if let Err(error) = login::check(&composed) {
            self.fault(text.span().start, format!("the account has {error}"));
            return None;
        }
        Some(composed.to_string())
    }

    fn error(&mut self, error: &toml::de::Error) {
        let why = error.message().lines().collect::<Vec<_>>().join("; ");
        self.fault(error.span().map_or(0, |span| span.start), why);
    }

    /// Counts lines and columns (in characters), both from 1.
    fn fault(&mut self, at: usize, why: impl Into<String>) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before.matches('\n').count() + 1;
        self.faults.push(PlanFault { line, column: before[line_start..].chars().count() + 1, why: why.into() });
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::profile::built_in;

    const GOOD: &str = r#"idp = "acme"

[[group]]
name = "admins"
all-admins = true
factor = "hardware-keys"
profile = "admin"
wave = "1"
supporter = "helpdesk@example.org"

[[group.may-stay]]
method = "temporary-pass"
until = 2027-01-31
why = "new phones come in January"

[[group]]
name = "sales"
group = "g-sales"
factor = "synced-passkey"
wave = "2"
supporter = "sales-it"

[[shared]]
account = "ops@example.org"
custodians = ["ada@example.org", "bo@example.org"]

[[contractor]]
account = "eve@partner.example"
sponsor = "ada@example.org"
until = 2027-06-30

[[path]]
name = "VPN"
owner = "network team"
factor = "hardware-keys"
decision = "covered"

[[path]]
name = "backup script"
owner = "storage team"
"#;

    fn parse(text: &str) -> Result<Plan, Vec<PlanFault>> {
        read(text, &built_in())
    }

    /// Line, column and reason of each fault of `GOOD` with a part replaced.
    fn faults(part: &str, by: &str) -> Vec<(usize, usize, String)> {
        assert!(GOOD.contains(part), "{part}");
        let faults = parse(&GOOD.replacen(part, by, 1)).expect_err(by);
        faults.into_iter().map(|fault| (fault.line, fault.column, fault.why)).collect()
    }

    #[test]
    fn a_plan_is_read_as_it_is_written() {
        let plan = parse(GOOD).unwrap();
        assert_eq!((plan.idp.as_deref(), plan.groups.len(), plan.waves()), (Some("acme"), 2, vec!["1", "2"]));
        let admins = &plan.groups[0];
        assert_eq!((&admins.who, admins.factor), (&Who::AllAdmins, Factor::HardwareKeys));
        assert_eq!(admins.stays("TEMPORARY-PASS", "").unwrap().until, date!(2027 - 01 - 31));
        assert_eq!((&plan.groups[1].who, &plan.groups[1].profile), (&Who::Group("g-sales".into()), &None));
        assert_eq!(plan.shared("OPS@example.org").unwrap().custodians.len(), 2);
        assert_eq!(plan.contractor("eve@partner.example").unwrap().until, date!(2027 - 06 - 30));
        assert_eq!(plan.paths[0].decision, Decision::Covered);
        assert_eq!(plan.paths[1].decision, Decision::Undecided);
    }

    #[test]
    fn an_empty_plan_is_one() {
        assert_eq!(parse("").unwrap(), Plan::default());
    }

    #[test]
    fn each_fault_is_told_with_its_place() {
        for (part, by, line, column, why) in [
            ("idp = \"acme\"", "idps = \"acme\"", 1, 1, "unknown setting `idps`"),
            ("name = \"admins\"", "nme = \"admins\"", 4, 1, "unknown field `nme`"),
            ("factor = \"hardware-keys\"\nprofile", "factor = \"keys\"\nprofile", 6, 10, "unknown variant `keys`"),
            ("all-admins = true\n", "", 4, 8, "say who is in it"),
            ("all-admins = true", "all-admins = true\nrole = \"x\"", 4, 8, "say who is in it"),
            ("all-admins = true", "all-admins = false", 5, 14, "or leave it out"),
            ("profile = \"admin\"\n", "", 6, 10, "are made by a profile"),
            ("profile = \"admin\"", "profile = \"boss\"", 7, 11, "there is no profile \"boss\"; there are admin"),
            ("wave = \"2\"", "wave = \"2\"\nprofile = \"admin\"", 21, 11, "no key is made"),
            ("\"g-sales\"", "\" \"", 18, 9, "`group` is one line of text"),
            ("\"sales\"", "\"Admins\"", 17, 8, "there already"),
            ("group = \"g-sales\"", "all-admins = true", 17, 8, "\"admins\" has the same people"),
            ("until = 2027-01-31", "until = \"soon\"", 13, 9, ""),
            ("until = 2027-01-31", "until = 2027-01-31T10:00:00Z", 13, 9, "a day is written as"),
            (", \"bo@example.org\"", "", 25, 14, "two custodians at least"),
            ("\"bo@example.org\"", "\"OPS@example.org\"", 25, 34, "cannot be its own custodian"),
            ("\"bo@example.org\"", "\"ADA@example.org\"", 25, 34, "listed twice"),
            ("decision = \"covered\"", "decision = \"switch-off\"", 36, 12, "say when it goes"),
            ("decision = \"covered\"", "decision = \"accept-risk\"", 36, 12, "for a reason"),
            ("decision = \"covered\"", "decision = \"covered\"\nuntil = 2027-01-01", 37, 9, "does not go with"),
            ("factor = \"hardware-keys\"\ndecision", "decision", 35, 12, "say what it is covered by"),
            ("\"backup script\"", "\"vpn\"", 39, 8, "there already"),
            ("[[path]]\nname = \"VPN\"", "[[path]]\nname = ", 33, 8, ""),
        ] {
            let found = faults(part, by);
            let told = found.iter().any(|one| (one.0, one.1) == (line, column) && one.2.contains(why));
            assert!(told, "{by}: {found:?}");
            assert!(found.iter().all(|one| !one.2.contains('\n')), "{found:?}");
        }
    }

    #[test]
    fn all_faults_are_told_at_once_in_the_order_of_the_file() {
        let text = GOOD
            .replace("supporter = \"sales-it\"", "supporter = \"\"")
            .replace("idp = \"acme\"", "idp = \"\"")
            .replace(", \"bo@example.org\"", "")
            .replace("owner = \"storage team\"", "owner = 7");
        let lines: Vec<_> = parse(&text).unwrap_err().into_iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 21, 25, 40]);
    }

    #[test]
    fn the_documented_plan_is_in_order_and_shows_every_setting() {
        let text = include_str!("../../../docs/rollout.toml");
        let plan = parse(text).unwrap();
        assert_eq!((plan.groups.len(), plan.waves().len(), plan.paths.len()), (3, 3, 3));
        for setting in [
            "idp",
            "paths-vouched-by",
            "models-vouched-by",
            "administrators-vouched-by",
            "what-if-vouched-by",
            "name",
            "group",
            "role",
            "all-admins",
            "policy-group",
            "factor",
            "profile",
            "wave",
            "supporter",
            "method",
            "until",
            "why",
            "account",
            "custodians",
            "sponsor",
            "application",
            "owner",
            "decision",
        ] {
            assert!(text.contains(&format!("{setting} = ")), "{setting}");
        }
    }
}
