use proptest::strategy::{Strategy, ValueTree};

use super::*;

/// What a device that is always wrong in its own way says of a row: elements are moves by their first choice.
struct Fake {
    runs: u32,
}

impl Fake {
    /// It dies at the third stop of an unknown transaction behind a start: everything else it takes.
    fn plays(&mut self, elements: &[Element]) -> Played<&'static str> {
        self.runs += 1;
        let (mut started, mut stops) = (false, 0);
        for element in elements {
            match element.first().map_or(0, |choice| choice % 8) {
                1 => started = true,
                5 if started => stops += 1,
                _ => {}
            }
        }
        let acts = elements.iter().map(|element| Act::Pass { ms: element.first().copied().unwrap_or(0).into() });
        Played { acts: acts.collect(), failure: (stops >= 3).then_some("died") }
    }
}

fn found(seed: u64, limits: Limits) -> (Option<Counterexample<&'static str>>, u32) {
    let mut fake = Fake { runs: 0 };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let found = runtime.block_on(search(
        seed,
        limits,
        async |elements: &[Element]| {
            tokio::task::yield_now().await;
            fake.plays(elements)
        },
        |one, other| one == other,
    ));
    (found, fake.runs)
}

#[test]
fn the_third_stop_of_an_unknown_transaction_becomes_four_acts() {
    for seed in 0..20 {
        let (found, _) = found(seed, Limits::default());
        let found = found.unwrap_or_else(|| panic!("seed {seed} finds nothing"));
        let firsts: Vec<u8> = found.elements.iter().map(|element| element[0] % 8).collect();
        assert_eq!(firsts, [1, 5, 5, 5], "seed {seed}: {:?}", found.elements);
        assert!(found.elements.iter().all(|element| element.len() == 1), "seed {seed}: {:?}", found.elements);
        assert_eq!(found.acts.len(), 4);
        assert_eq!(found.repeated, 3);
        assert!(found.runs <= 300, "seed {seed}: {} runs", found.runs);
    }
}

#[test]
fn the_same_seed_finds_the_same() {
    let limits = Limits { length: 60, ..Limits::default() };
    assert_eq!(found(7, limits), found(7, limits));
}

#[test]
fn runs_against_the_device_are_bounded() {
    let limits = Limits { runs: 5, repeats: 2, ..Limits::default() };
    let (found, runs) = found(1, limits);
    let found = found.unwrap();
    assert_eq!(found.runs, 5);
    assert!(runs <= limits.cases + 5 + 2);
    let (none, runs) = self::found(1, Limits { time: Duration::ZERO, ..limits });
    assert_eq!((none, runs), (None, 0));
}

#[test]
fn a_failure_that_is_another_one_is_not_followed() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let found = runtime.block_on(search(
        3,
        Limits::default(),
        async |elements: &[Element]| {
            let failure = if elements.len() >= 10 { "long" } else { "short" };
            Played { acts: Vec::new(), failure: Some(failure).filter(|_| elements.len() != 9) }
        },
        |one, other| one == other,
    ));
    let found = found.unwrap();
    let expected = if found.failure == "long" { 10 } else { 1 };
    assert_eq!(found.elements.len(), expected);
}

#[test]
fn a_tree_keeps_what_shows_it_and_comes_to_an_end() {
    let mut runner = runner(11);
    for _ in 0..50 {
        let mut tree = Sequences::up_to(30).new_tree(&mut runner).unwrap();
        let wanted: Vec<Element> = tree.current().into_iter().filter(|element| element[0] > 200).collect();
        let shows =
            |elements: &[Element]| elements.iter().filter(|element| element[0] > 200).count() >= wanted.len().min(2);
        let mut steps = 0;
        while tree.simplify() {
            steps += 1;
            assert!(steps < 5000);
            if !shows(&tree.current()) {
                let now = tree.current();
                assert!(tree.complicate());
                assert_ne!(tree.current(), now);
            }
            assert!(!tree.current().is_empty());
        }
        assert!(shows(&tree.current()));
        assert_eq!(tree.current().len(), wanted.len().clamp(1, 2));
    }
}

mod against_peers {
    use peers::Fault;
    use protocol::{Role, Version};

    use super::*;

    fn searched(
        device: Role,
        version: Version,
        fault: Option<&str>,
        limits: Limits,
    ) -> Option<Counterexample<Suspicion>> {
        let faults = fault.map(|id| Fault::find(id).unwrap()).into_iter().collect();
        let mut target = Target::embedded(device, version, faults);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(against(&mut target, &Allowed::default(), 5, limits))
    }

    #[test]
    fn a_csms_that_accepts_blocked_tags_is_found_in_a_message_or_two() {
        let found = searched(Role::Csms, Version::V16, Some("csms-accepts-blocked-tags"), Limits::default()).unwrap();
        assert!(["16-AUTH-08", "16-TX-03"].contains(&found.failure.rule.as_str()), "{:?}", found.failure);
        assert_eq!(found.acts.len(), 1, "{:?}", found.acts);
        assert_eq!(found.repeated, 3);
    }

    #[test]
    fn a_station_that_takes_old_lists_is_found_in_two_messages() {
        let fault = "station-takes-old-list-version";
        let found = searched(Role::Station, Version::V16, Some(fault), Limits::default()).unwrap();
        assert_eq!(found.failure.rule, "16-LIST-05");
        assert_eq!(found.acts.len(), 2, "{:?}", found.acts);
    }

    #[test]
    fn clean_peers_show_nothing() {
        for (device, version) in [
            (Role::Csms, Version::V16),
            (Role::Csms, Version::V201),
            (Role::Station, Version::V16),
            (Role::Station, Version::V201),
        ] {
            let limits = Limits { cases: 15, ..Limits::default() };
            let found = searched(device, version, None, limits);
            assert!(found.is_none(), "{device} {version}: {found:#?}");
        }
    }
}
