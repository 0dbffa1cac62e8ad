//! Every deviation of a frame, shown by the bytes that make it.

use link::frame::{Assembler, Decoder, Message, Step};
use link::{FindingKind, Side};

const LIMIT: usize = 1000;

/// Messages and findings of `bytes` as sent by `sender`; the last flag says whether the decoder gave up.
fn observe(sender: Side, bytes: &[u8]) -> (Vec<Message>, Vec<FindingKind>, bool) {
    let mut decoder = Decoder::new(sender, LIMIT);
    let mut assembler = Assembler::new(LIMIT);
    decoder.push(bytes);
    let (mut messages, mut kinds, mut given_up) = (Vec::new(), Vec::new(), false);
    while let Some(step) = decoder.step() {
        match step {
            Step::Frame(frame) => messages.extend(assembler.take(frame)),
            Step::GivenUp(findings) => {
                given_up = true;
                kinds.extend(findings.iter().map(|finding| finding.kind));
            }
        }
    }
    let found = messages.iter().flat_map(|message| &message.findings).map(|finding| finding.kind);
    let mut all: Vec<_> = found.collect();
    all.extend(kinds);
    (messages, all, given_up)
}

fn found(bytes: &[u8]) -> Vec<FindingKind> {
    observe(Side::Server, bytes).1
}

#[test]
fn frames_within_the_rules_have_no_findings() {
    for bytes in [
        &b"\x81\x02hi"[..],
        b"\x81\x00",
        b"\x82\x01\xff",
        b"\x89\x00\x8a\x01x",
        b"\x01\x01a\x89\x01p\x00\x01b\x80\x01c",
        b"\x01\x01\xc3\x80\x01\xa4",
        b"\x88\x00",
        b"\x88\x02\x03\xe8",
        b"\x88\x05\x0f\xa0bye",
    ] {
        assert_eq!(found(bytes), [], "{bytes:x?}");
    }
    assert_eq!(observe(Side::Client, b"\x81\x81\x01\x02\x03\x04\x60").1, []);
}

#[test]
fn a_length_written_too_long_is_noticed_and_the_frame_still_read() {
    let (messages, kinds, _) = observe(Side::Server, b"\x81\x7e\x00\x02hi");
    assert_eq!((messages[0].payload.as_slice(), kinds), (&b"hi"[..], vec![FindingKind::NonMinimalLength]));
    assert_eq!(found(b"\x81\x7f\0\0\0\0\0\0\0\x02hi"), [FindingKind::NonMinimalLength]);
    let mut bytes = b"\x82\x7f\0\0\0\0\0\0\x00\x7e".to_vec();
    bytes.resize(10 + 126, 0);
    assert_eq!(found(&bytes), [FindingKind::NonMinimalLength]);
}

#[test]
fn a_length_of_two_to_the_63_is_given_up_at_once() {
    let (messages, kinds, given_up) = observe(Side::Server, b"\x82\x7f\x80\0\0\0\0\0\0\0more");
    assert!(messages.is_empty() && given_up);
    assert_eq!(kinds, [FindingKind::LengthTopBit, FindingKind::FrameOverLimit]);
}

#[test]
fn a_frame_may_be_as_long_as_the_limit_and_no_longer() {
    let frame = |length: u16| {
        let mut bytes = vec![0x82, 0x7e];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.resize(4 + usize::from(length), 0);
        bytes
    };
    assert_eq!(found(&frame(1000)), []);
    assert_eq!(found(&frame(1001)), [FindingKind::FrameOverLimit]);
}

#[test]
fn a_message_may_not_grow_beyond_the_limit_in_fragments() {
    let mut bytes = vec![0x02, 0x7e, 0x03, 0xe8];
    bytes.resize(4 + 1000, 0);
    let mut exact = bytes.clone();
    exact.extend_from_slice(b"\x80\x00");
    assert_eq!(observe(Side::Server, &exact).0[0].payload.len(), 1000);
    bytes.extend_from_slice(b"\x00\x01x");
    let (messages, kinds, _) = observe(Side::Server, &bytes);
    assert_eq!(kinds, [FindingKind::MessageOverLimit]);
    assert!(messages[0].over_limit && messages[0].payload.is_empty());
}

#[test]
fn reserved_bits_are_noticed_and_the_payload_is_not_blamed_for_utf8() {
    assert_eq!(found(b"\xc1\x02\xff\xff"), [FindingKind::ReservedBits]);
    assert_eq!(found(b"\x91\x02hi"), [FindingKind::ReservedBits]);
}

#[test]
fn undefined_opcodes_are_kept_as_they_are() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        let (messages, kinds, _) = observe(Side::Server, &[0x80 | opcode, 1, b'x']);
        assert_eq!(kinds, [FindingKind::ReservedOpcode]);
        assert_eq!((messages[0].opcode, messages[0].payload.as_slice()), (opcode, &b"x"[..]));
    }
}

#[test]
fn control_frames_that_are_cut_or_too_long_are_noticed() {
    assert_eq!(found(b"\x09\x01p"), [FindingKind::FragmentedControl]);
    let mut ping = vec![0x89, 0x7e, 0, 126];
    ping.resize(4 + 126, b'p');
    assert_eq!(found(&ping), [FindingKind::ControlTooLong]);
}

#[test]
fn the_client_must_mask_and_the_server_must_not() {
    assert_eq!(observe(Side::Client, b"\x81\x02hi").1, [FindingKind::Unmasked]);
    let (messages, kinds, _) = observe(Side::Server, b"\x81\x82\x01\x02\x03\x04\x69\x6b");
    assert_eq!((messages[0].payload.as_slice(), kinds), (&b"hi"[..], vec![FindingKind::Masked]));
}

#[test]
fn a_continuation_of_nothing_is_kept_apart() {
    let (messages, kinds, _) = observe(Side::Server, b"\x80\x01x\x81\x01y");
    assert_eq!(kinds, [FindingKind::StrayContinuation]);
    assert_eq!((messages[0].opcode, messages[1].payload.as_slice()), (0, &b"y"[..]));
}

#[test]
fn a_message_inside_an_unfinished_one_replaces_it() {
    let (messages, kinds, _) = observe(Side::Server, b"\x01\x02ab\x81\x01c");
    assert_eq!(kinds, [FindingKind::InterleavedData]);
    assert_eq!((messages.len(), messages[0].payload.as_slice(), messages[0].frames), (1, &b"c"[..], 1));
}

#[test]
fn text_is_checked_over_its_fragments_as_a_whole() {
    assert_eq!(found(b"\x81\x02\xc3\x28"), [FindingKind::InvalidUtf8]);
    assert_eq!(found(b"\x01\x01\xc3\x80\x01\x28"), [FindingKind::InvalidUtf8]);
    assert_eq!(found(b"\x81\x03\xed\xa0\x80"), [FindingKind::InvalidUtf8]);
    assert_eq!(found(b"\x81\x01\xc3"), [FindingKind::InvalidUtf8]);
    assert_eq!(found(b"\x82\x02\xc3\x28"), []);
}

#[test]
fn close_payloads_are_checked() {
    assert_eq!(found(b"\x88\x01\x03"), [FindingKind::CloseOneByte]);
    assert_eq!(found(b"\x88\x02\x03\xed"), [FindingKind::CloseCode]);
    assert_eq!(found(b"\x88\x02\x03\xee"), [FindingKind::CloseCode]);
    assert_eq!(found(b"\x88\x02\x00\x00"), [FindingKind::CloseCode]);
    assert_eq!(found(b"\x88\x04\x03\xe8\xff\xff"), [FindingKind::CloseReasonUtf8]);
}

#[test]
fn data_after_close_is_noticed_and_control_frames_are_not() {
    assert_eq!(found(b"\x88\x00\x81\x01x"), [FindingKind::DataAfterClose]);
    assert_eq!(found(b"\x88\x00\x8a\x00"), []);
}

#[test]
fn a_finding_in_every_fragment_is_listed_once_and_counted() {
    let mut bytes = b"\x01\x00".to_vec();
    for _ in 0..500 {
        bytes.extend_from_slice(b"\x00\x00");
    }
    bytes.extend_from_slice(b"\x80\x00");
    let (messages, _, _) = observe(Side::Client, &bytes);
    assert_eq!(messages[0].frames, 502);
    let listed: Vec<_> = messages[0].findings.iter().map(|finding| (finding.kind, finding.count)).collect();
    assert_eq!(listed, [(FindingKind::Unmasked, 502)]);
}

#[test]
fn a_finding_says_where_in_the_stream_it_was_seen() {
    let (messages, _, _) = observe(Side::Server, b"\x81\x02hi\x83\x00");
    assert_eq!(messages[1].findings[0].at, 4);
}

#[test]
fn ids_of_findings_are_distinct_and_every_one_names_its_rule() {
    let ids: std::collections::BTreeSet<_> = FindingKind::ALL.iter().map(|kind| kind.id()).collect();
    assert_eq!(ids.len(), FindingKind::ALL.len());
    for kind in FindingKind::ALL {
        let rule = kind.rule();
        assert!(rule.starts_with("R-") || rule.starts_with("RFC ") || rule == "own limit", "{rule}");
    }
}
