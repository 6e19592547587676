//! Whole batches from roster to ledger, and what comes after: lost keys, drills, power cuts, keys and IdPs that misbehave.
//!
//! Every run here is held against its dry run ([`keywright_test_support::as_said`], and for the program
//! `keywright_test_support::cli`). Where what was once seen to be false is tried:
//!
//! | what was said that is not so | test |
//! |---|---|
//! | a key that was reset counts, and completes a second account | `erased`, `lost_key::one_key_that_was_reset_does_not_count_as_two`, `cli: provision::a_key_that_was_reset_is_nobodys_any_more`, `cli: provision::a_credential_that_was_deleted_counts_no_more` |
//! | one person is several accounts; a login that was handed on is complete | `one_person::however_a_person_is_written_it_is_one_account` and those after it, `bad_keys::a_login_that_was_handed_on_to_another_account_gets_no_key` |
//! | a profile changes without a word; a corrected name is dropped | `one_person::another_profile_is_a_change_that_is_told_and_asked_for`, `one_person::a_corrected_name_is_kept` |
//! | a dry run calls what was interrupted complete, and leaves out checks | `one_person::a_dry_run_tells_what_is_to_be_finished_and_the_run_does_that`, and every run |
//! | `enroll` without a key leaves a planned one | `one_person::a_key_that_never_came_leaves_nothing_planned` |
//! | report, `status` and `audit` count differently | `lives`, `ledger: audit::people_keys_and_jobs_that_need_somebody_are_named` |
//! | `--at` accepts what came later; who left is critical for ever; what people write never comes out | `one_person::what_people_keep_of_accounts_and_keys_can_be_corrected`, `one_person::a_typing_error_is_forgotten_and_a_person_with_keys_is_not`, `one_person::who_leaves_has_every_key_revoked_and_collected` |
//!
//! | situation | test |
//! |---|---|
//! | who has what | `one_person::what_people_keep_of_accounts_and_keys_can_be_corrected`, `cli: key` |
//! | a key reset, a credential deleted | `erased`, `cli: provision::a_key_that_was_reset_is_nobodys_any_more` |
//! | profile, name, login changed | `one_person` |
//! | a typing error that never had a key | `one_person::a_typing_error_is_forgotten_and_a_person_with_keys_is_not`, `killed_verbs::an_account_that_is_forgotten_is_so_whole_or_not_at_all` |
//! | a person leaves, a key comes back | `one_person::who_leaves_has_every_key_revoked_and_collected`, `killed_verbs::a_departure_that_is_killed_is_ended_by_resume_alone` |
//! | a key before it is worn | `one_person::a_key_is_replaced_by_one_that_counts_before_it_is_revoked`, `killed_verbs::a_replacement_that_is_killed_is_ended_by_the_next_run` |
//! | label, name, place wrong | `one_person::what_people_keep_of_accounts_and_keys_can_be_corrected` |
//! | a PIN letter is lost in the printer | `bad_keys::a_pin_that_cannot_be_handed_over_stays_sealed`, `bad_keys::a_pin_whose_copy_is_gone_before_it_was_handed_over_is_lost_and_its_key_replaced` |
//! | the end of a run | `one_person::a_run_ends_with_what_was_made_and_where_the_pins_are` |
//! | two IdPs in the settings | `one_person::an_account_of_another_idp_is_never_meant` |
//! | interrupted or running | `killed_verbs::what_runs_is_told_from_what_was_interrupted`, `resume_after_power_cut` |
//! | the IdP is down while a key is lost | `one_person::a_key_that_is_lost_while_the_idp_is_away_is_revoked_by_the_next_resume`, `killed_verbs::a_revocation_that_is_killed_is_ended_by_the_next_run` |
//! | names are to be erased | `erasure` |
//! | a person who lost a key gets back in | `recovery`, `killed_recovery`, `cli: recover` |
//! | a key that nobody here made goes | `estate::reconcile`, `killed_verbs::the_removal_of_a_strange_key_that_is_killed_is_ended_by_the_next_run` |
//! | weak methods go, and nobody is locked out | `enforcement`, `killed_enforcement` |
//! | a station comes back from a backup, or moves to another machine | `restored`, `moved` |
//! | any of these after any other | `lives` |

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod bad_keys;
mod by_hand;
mod directory_trouble;
mod drill;
mod enforcement;
#[cfg(unix)]
mod erased;
mod erasure;
mod estate;
mod fewest_reports;
mod firmware_faults;
mod key_numbers;
mod key_trouble;
#[cfg(unix)]
mod key_verbs;
#[cfg(unix)]
mod killed_enforcement;
#[cfg(unix)]
mod killed_recovery;
#[cfg(unix)]
mod killed_verbs;
mod letters;
#[cfg(unix)]
mod lives;
mod lockouts;
mod lost_key;
mod moved;
mod odd_idp;
mod one_person;
mod provision_two_admins;
mod recovery;
mod restored;
#[cfg(unix)]
mod resume_after_power_cut;
#[cfg(unix)]
mod same_key;
#[cfg(unix)]
mod strange;
mod telling_apart;
