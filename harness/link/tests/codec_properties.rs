//! Properties of the codec over any frames and any bytes.

use link::Side;
use link::frame::{Assembler, Decoder, Frame, LengthForm, RawFrame, Step};
use proptest::prelude::*;

const LIMIT: usize = 70_000;

fn frames(decoder: &mut Decoder) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(Step::Frame(frame)) = decoder.step() {
        frames.push(frame);
    }
    frames
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    // The lengths at which the form changes are what a codec gets wrong.
    let length = prop_oneof![0..8_usize, 120..132_usize, Just(65_535), Just(65_536), 0..300_usize];
    (length, any::<u8>()).prop_map(|(length, first)| (0..length).map(|i| (i as u8).wrapping_add(first)).collect())
}

fn raw_frame() -> impl Strategy<Value = RawFrame> {
    let form = prop_oneof![Just(None), Just(Some(LengthForm::SixtyFour))];
    (any::<bool>(), 0..8_u8, 0..16_u8, any::<Option<[u8; 4]>>(), form, payload()).prop_map(
        |(fin, rsv, opcode, mask, length_form, payload)| RawFrame {
            fin,
            rsv,
            opcode,
            mask,
            length_form,
            declared_len: None,
            payload,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_is_encoded_is_decoded_however_the_bytes_are_cut(
        sent in prop::collection::vec(raw_frame(), 1..6),
        cuts in prop::collection::vec(1..2000_usize, 1..50),
    ) {
        let bytes: Vec<u8> = sent.iter().flat_map(RawFrame::to_bytes).collect();
        let mut decoder = Decoder::new(Side::Client, LIMIT);
        let mut received = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts {
            let (part, after) = rest.split_at(cut.min(rest.len()));
            decoder.push(part);
            received.extend(frames(&mut decoder));
            rest = after;
        }
        decoder.push(rest);
        received.extend(frames(&mut decoder));
        prop_assert_eq!(received.len(), sent.len());
        for (frame, raw) in received.iter().zip(&sent) {
            let form = raw.length_form.unwrap_or(LengthForm::minimal(raw.payload.len() as u64));
            prop_assert_eq!(
                (frame.fin, frame.rsv, frame.opcode, frame.mask, frame.length_form, &frame.payload),
                (raw.fin, raw.rsv, raw.opcode, raw.mask, form, &raw.payload)
            );
        }
        prop_assert_eq!(decoder.consumed(), bytes.len() as u64);
        prop_assert!(!decoder.is_mid_frame());
    }

    #[test]
    fn any_bytes_are_read_without_holding_more_than_was_pushed(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..40),
        sender in prop_oneof![Just(Side::Client), Just(Side::Server)],
        limit in 0..300_usize,
    ) {
        let mut decoder = Decoder::new(sender, limit);
        let mut assembler = Assembler::new(limit);
        for chunk in chunks {
            decoder.push(&chunk);
            while let Some(step) = decoder.step() {
                let Step::Frame(frame) = step else { break };
                prop_assert!(frame.payload.len() <= limit);
                if let Some(message) = assembler.take(frame) {
                    prop_assert!(message.payload.len() <= limit);
                    prop_assert!(message.findings.len() <= link::FindingKind::ALL.len());
                }
            }
            prop_assert!(decoder.pending().len() <= limit + 14);
        }
    }
}
