//! `keywright ledger verify`: the hash chain from the first event to the last, and who vouches for it since when.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use data_encoding::BASE64;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::audit::export;
use crate::cli::shared::output::{View, count, table};
use crate::cli::shared::{CliError, Exit, Session, time_stamp};
use crate::cli::view::ledger_head::HeadLine;
use crate::ledger::note::{KeyKind, NoteKey, Signed};
use crate::ledger::tree::Hash;
use crate::ledger::{Head, Kept, LedgerError, Origin, Stamped, StationKey};
use crate::register::Register;

/// Check that no event was changed, removed or reordered, and say who vouches for that since when.
///
/// Each event's hash covers the event and the hash before it, so the chain shows that nothing was changed unless all after it was
/// written anew. That, and events that are missing at the end, is found with what was kept somewhere else: a checkpoint (--checkpoint,
/// a file or what a PIN letter says), a head (--head), a key that signed checkpoints (--pin, besides those of the settings), a server that
/// time-stamped them (--tsa-root, besides those of the settings), and what this station remembers outside the state folder. Nobody is
/// asked. A checkpoint's time stamps are beside it: of monday.checkpoint monday.tsr, monday.2.tsr and so on. An exported folder (--from)
/// has its checkpoints and their time stamps in it.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright ledger verify\n  keywright ledger verify --checkpoint 2026-11.checkpoint\n  keywright ledger verify --from evidence-2026-11 --tsa-root freetsa.pem\n  keywright ledger verify --head 212:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)]
pub(crate) struct Verify {
    /// A head that you kept somewhere else
    #[arg(long, value_name = "NUMBER:HASH")]
    head: Option<Head>,
    /// A checkpoint that you kept somewhere else: its file, or its size and root as a letter or page says them (repeatable)
    #[arg(long, value_name = "FILE|SIZE:ROOT")]
    checkpoint: Vec<String>,
    /// A key that has to have signed a checkpoint (repeatable)
    #[arg(long, value_name = "NAME+ID+KEY")]
    pin: Vec<NoteKey>,
    /// The root certificate of a server that has to have time-stamped a checkpoint, PEM or DER (repeatable)
    #[arg(long, value_name = "CERT")]
    tsa_root: Vec<PathBuf>,
}

/// A size and root that the log has to have.
struct Claim {
    size: u64,
    root: Hash,
    /// Whose word it is, for errors.
    source: String,
    /// With the signatures, if it came with any.
    kept: Option<Kept>,
    /// Whether somebody named it, as one that they had elsewhere.
    named: bool,
}

/// What is said of somebody who vouches for nothing.
const NOTHING: &str = "it signed no checkpoint that is here";

/// Who vouches for how much.
#[derive(Serialize)]
struct Guarantee {
    by: By,
    name: Option<String>,
    events: u64,
    /// Since when nobody can have changed them without this being seen. `None` where nothing says when.
    since: Option<String>,
    #[serde(skip)]
    words: &'static str,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum By {
    Chain,
    Station,
    SecurityKey,
    Witness,
    TimeStamp,
    OtherKey,
    Memory,
    KeptElsewhere,
}

#[derive(Serialize)]
struct Verified {
    verified: bool,
    #[serde(flatten)]
    head: HeadLine,
    guarantees: Vec<Guarantee>,
}

impl View for Verified {
    const KIND: &'static str = "ledger-verified";
}

impl Verify {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        if let Some(mismatch) = session.mismatch()? {
            return Err(CliError::Ledger(mismatch.into()));
        }
        if let Some(folder) = &session.global.from {
            export::check(folder, &*session.ledger_for_reading()?)?;
        }
        let claims = self.claims(session)?;
        let (register, times) = self.follow(&claims, session)?;
        let guarantees = self.guarantees(&register, &claims, &times, session)?;
        let events = count(usize::try_from(register.head.seq).unwrap_or(usize::MAX), "event", "events");
        let text = format!("{events}, unchanged\n{}head {}", guarantees_table(&guarantees), register.head);
        let verified = Verified { verified: true, head: HeadLine::new(&register.head), guarantees };
        session.output.result(&verified, || text)?;
        Ok(Exit::Done)
    }

    fn claims(&self, session: &Session) -> Result<Vec<Claim>, CliError> {
        let of_file = |kept: Kept, named: bool| Claim {
            size: kept.checkpoint.size,
            root: kept.checkpoint.root,
            source: kept.file.display().to_string(),
            kept: Some(kept),
            named,
        };
        let kept = session.checkpoints()?.all()?;
        let mut claims: Vec<_> = kept.into_iter().map(|kept| of_file(kept, false)).collect();
        for text in &self.checkpoint {
            claims.push(match Short::from_str(text) {
                Ok(Short { size, root }) => Claim { size, root, source: text.clone(), kept: None, named: true },
                Err(()) => of_file(Kept::read(Path::new(text))?, true),
            });
        }
        Ok(claims)
    }

    /// Reads the log once, and holds each claim against it on the way. Gives the times of the events that claims end with.
    fn follow(&self, claims: &[Claim], session: &Session) -> Result<(Register, BTreeMap<u64, String>), CliError> {
        let mut at: BTreeMap<u64, Vec<&Claim>> = BTreeMap::new();
        claims.iter().for_each(|claim| at.entry(claim.size).or_default().push(claim));
        let (mut register, mut times) = (Register::default(), BTreeMap::new());
        let known = self.head.as_ref();
        session.ledger_for_reading()?.each(&Head::EMPTY, &mut |entry| {
            register.apply(&entry, &entry.event()?)?;
            known.map_or(Ok(()), |known| known.recognise(&entry.head()))?;
            for claim in at.get(&entry.seq).into_iter().flatten() {
                if claim.root != register.tree.root() {
                    let why = format!("the log was rewritten: it is not the one of {}", claim.source);
                    return Err(LedgerError::broken(entry.seq, why));
                }
                times.insert(entry.seq, entry.time.clone());
            }
            Ok(())
        })?;
        let origin = Origin::of_ledger(&register.id);
        for Kept { checkpoint, file, .. } in claims.iter().filter_map(|claim| claim.kept.as_ref()) {
            if checkpoint.origin != origin {
                let (path, why) = (file.display().to_string(), "it is a checkpoint of another ledger".to_owned());
                return Err(LedgerError::File { path, why }.into());
            }
        }
        let longest = claims.iter().map(|claim| (claim.size, &*claim.source)).max();
        let known = known.map(|known| (known.seq, "the head"));
        match longest.into_iter().chain(known).max().filter(|(size, _)| *size > register.head.seq) {
            Some((size, source)) => {
                let why = format!("it is missing; the log of {source} went on to event {size}");
                Err(LedgerError::broken(register.head.seq + 1, why).into())
            }
            None => Ok((register, times)),
        }
    }

    fn guarantees(
        &self,
        register: &Register,
        claims: &[Claim],
        times: &BTreeMap<u64, String>,
        session: &Session,
    ) -> Result<Vec<Guarantee>, CliError> {
        let origin = Origin::of_ledger(&register.id);
        let events = register.head.seq;
        let words = "each event fits the one before it; who writes all of them anew is not seen by this";
        let mut guarantees = vec![Guarantee { by: By::Chain, name: None, events, since: None, words }];
        let time = |size: u64| times.get(&size).cloned();
        let signed: Vec<&Kept> = claims.iter().filter_map(|claim| claim.kept.as_ref()).collect();
        let station = StationKey::read(&session.state()?.station_key())?
            .map(|key| (NoteKey::of_station(origin.as_str(), key.public()), key.fingerprint()));
        if let Some((Ok(key), fingerprint)) = &station {
            let found = newest_signed(key, &signed, &time)?;
            let words = "who has not this station's key cannot have written them anew";
            let words = if found.is_some() { words } else { NOTHING };
            let (events, since) = found.unwrap_or_default();
            guarantees.push(Guarantee { by: By::Station, name: Some(fingerprint.clone()), events, since, words });
        } else {
            let words = "cannot be checked: the station's key is not here; name it with --pin";
            guarantees.push(Guarantee { by: By::Station, name: None, events: 0, since: None, words });
        }
        let settings = session.settings()?.checkpoints.all_keys();
        for key in settings.iter().filter(|key| !self.pin.contains(key)).chain(&self.pin) {
            let found = newest_signed(key, &signed, &time)?;
            if found.is_none() && self.pin.contains(key) {
                return Err(CliError::NotFound(format!("no checkpoint of this ledger is signed by {}", key.name())));
            }
            let (by, words) = match key.kind() {
                KeyKind::SecurityKey(_) => {
                    (By::SecurityKey, "who has not this security key cannot have written them anew")
                }
                KeyKind::Cosigner(_) => (By::Witness, "it saw one history of this ledger and no other, and says when"),
                KeyKind::Ed25519(_) => (By::OtherKey, "who has not this key cannot have written them anew"),
            };
            let words = if found.is_some() { words } else { NOTHING };
            let (events, since) = found.unwrap_or_default();
            guarantees.push(Guarantee { by, name: Some(key.name().to_owned()), events, since, words });
        }
        guarantees.extend(self.time_stamps(&signed, session)?);
        if let Some(memory) = session.memory()?
            && let Some(head) = memory.newest(&origin)?
        {
            let words = "who changed only the state folder would have been seen";
            let name = Some(memory.folder().display().to_string());
            guarantees.push(Guarantee { by: By::Memory, name, events: head.seq, since: time(head.seq), words });
        }
        let words = "as it was when you put this away";
        guarantees.extend(claims.iter().filter(|claim| claim.named).map(|claim| Guarantee {
            by: By::KeptElsewhere,
            name: Some(claim.source.clone()),
            events: claim.size,
            since: time(claim.size),
            words,
        }));
        guarantees.extend(self.head.as_ref().map(|head| Guarantee {
            by: By::KeptElsewhere,
            name: Some("--head".to_owned()),
            events: head.seq,
            since: None,
            words,
        }));
        Ok(guarantees)
    }
}

impl Verify {
    /// For each root, the newest checkpoint that a server under it time-stamped.
    fn time_stamps(&self, signed: &[&Kept], session: &Session) -> Result<Vec<Guarantee>, CliError> {
        let settings = session.settings()?.checkpoints.time_stamps;
        let named = self.tsa_root.iter().map(|root| (root.display().to_string(), root, true));
        let known = settings.iter().map(|server| (server.url.host().to_owned(), &server.root, false));
        let mut guarantees = Vec::new();
        for (name, root, is_demanded) in known.chain(named) {
            let roots = time_stamp::roots(root)?;
            let mut newest: Option<(u64, Stamped)> = None;
            for kept in signed {
                let size = kept.checkpoint.size;
                if let Some(stamped) = kept.stamped(&roots)?
                    && newest.as_ref().is_none_or(|(known, _)| *known < size)
                {
                    newest = Some((size, stamped));
                }
            }
            if newest.is_none() && is_demanded {
                return Err(CliError::NotFound(format!("no checkpoint of this ledger is time-stamped under {name}")));
            }
            let words = "they existed then; who writes them anew cannot have it stamped for that time";
            let (events, name, since, words) = match newest {
                Some((events, stamped)) => (events, stamped.by.clone(), Some(stamped.time()), words),
                None => (0, name, None, NOTHING),
            };
            guarantees.push(Guarantee { by: By::TimeStamp, name: Some(name), events, since, words });
        }
        Ok(guarantees)
    }
}

/// How many events the newest checkpoint has that this key signed, and since when: the signer's own time, or else that of the
/// newest event. `None` if it signed none. Fails at a signature that is not what it claims to be.
fn newest_signed(
    key: &NoteKey,
    checkpoints: &[&Kept],
    time: &dyn Fn(u64) -> Option<String>,
) -> Result<Option<(u64, Option<String>)>, LedgerError> {
    let mut newest: Option<(u64, Option<String>)> = None;
    for Kept { checkpoint, note, file } in checkpoints {
        let since = match note.signed_by(key) {
            Signed::No => continue,
            Signed::Forged => {
                let (name, path) = (key.name().to_owned(), file.display().to_string());
                return Err(LedgerError::Forged { name, path });
            }
            Signed::Yes => time(checkpoint.size),
            Signed::At(seconds) => {
                let at = i64::try_from(seconds).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
                at.and_then(|at| at.format(&Rfc3339).ok())
            }
        };
        if newest.as_ref().is_none_or(|(size, _)| *size < checkpoint.size) {
            newest = Some((checkpoint.size, since));
        }
    }
    Ok(newest)
}

/// Who vouches for how much since when, and below it what that says, so that a narrow terminal shows each whole.
fn guarantees_table(guarantees: &[Guarantee]) -> String {
    let heading = ["VOUCHED FOR BY", "EVENTS", "SINCE"].map(str::to_owned);
    let rows = guarantees.iter().map(|one| {
        let name = one.name.as_deref().unwrap_or_default();
        let by = match one.by {
            By::Chain => "the chain".to_owned(),
            By::Station => format!("station {name}"),
            By::SecurityKey => format!("security key {name}"),
            By::Witness => format!("witness {name}"),
            By::TimeStamp => format!("time stamp {name}"),
            By::OtherKey => format!("key {name}"),
            By::Memory => "memory".to_owned(),
            By::KeptElsewhere => "kept elsewhere".to_owned(),
        };
        let events = if one.events == 0 { "none".to_owned() } else { format!("1-{}", one.events) };
        [by.trim_end().to_owned(), events, one.since.clone().unwrap_or_else(|| "-".to_owned())]
    });
    let all = table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
    let says = guarantees.iter().map(|one| match (one.by, &one.name) {
        (By::Memory | By::KeptElsewhere, Some(place)) => format!("  {} ({place})\n", one.words),
        _ => format!("  {}\n", one.words),
    });
    // The heading has no words below it.
    all.lines().zip(std::iter::once(String::new()).chain(says)).map(|(line, says)| format!("{line}\n{says}")).collect()
}

/// `SIZE:ROOT`, the root in base64.
struct Short {
    size: u64,
    root: Hash,
}

impl FromStr for Short {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let read = || {
            let (size, root) = text.split_once(':')?;
            Some(Self { size: size.parse().ok()?, root: BASE64.decode(root.as_bytes()).ok()?.try_into().ok()? })
        };
        read().ok_or(())
    }
}
