//! The transactions that the CSMS knows of.

use super::Csms;

/// Every transaction, newest last.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    records: Vec<Record>,
    seed: u64,
}

/// A transaction.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) station: String,
    pub(super) tag: String,
    /// What tells a repeated start from a new one.
    pub(super) start: String,
    /// Where it charges in 1.6.
    pub(super) connector: i64,
    pub(super) open: bool,
}

/// How many transactions are remembered.
const RECORDS_KEPT: usize = 10_000;

impl Ledger {
    /// Whether this token charges already, somewhere else than in that transaction.
    pub(super) fn is_charging(&self, tag: &str, except: &str) -> bool {
        let tag = tag.to_lowercase();
        self.records.iter().any(|record| record.open && record.id != except && record.tag.to_lowercase() == tag)
    }

    /// The running transaction that this very start has opened before.
    pub(super) fn repeated(&self, station: &str, start: &str) -> Option<Record> {
        self.records.iter().find(|record| record.open && record.station == station && record.start == start).cloned()
    }

    /// What is known of a transaction that a station has numbered itself.
    pub(super) fn by_start(&mut self, station: &str, start: &str) -> Option<&mut Record> {
        self.records.iter_mut().rev().find(|record| record.station == station && record.start == start)
    }

    pub(super) fn open(&mut self, record: Record) {
        if self.records.len() >= RECORDS_KEPT {
            let at = self.records.iter().position(|record| !record.open).unwrap_or(0);
            self.records.remove(at);
        }
        self.records.push(record);
    }

    /// Whether a transaction of a station runs on a connector.
    pub(super) fn is_busy(&self, station: &str, connector: i64) -> bool {
        self.records.iter().any(|record| record.open && record.station == station && record.connector == connector)
    }

    /// The newest open transaction of a station.
    pub(super) fn newest(&self, station: &str) -> Option<&Record> {
        self.records.iter().rev().find(|record| record.open && record.station == station)
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut Record> {
        self.records.iter_mut().rev().find(|record| record.id == id)
    }

    /// Some transaction has ended.
    fn has_ended(&self) -> bool {
        self.records.iter().any(|record| !record.open)
    }

    /// The id of the transaction that has ended last.
    fn reused_id(&self) -> i64 {
        let ended = self.records.iter().rev().find(|record| !record.open);
        ended.and_then(|record| record.id.parse().ok()).unwrap_or(1)
    }

    /// A positive number that no transaction has (16-TX-04), and that cannot be guessed from earlier ones.
    fn fresh_id(&mut self, now: i64) -> i64 {
        loop {
            self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_add(now.unsigned_abs());
            let mut mixed = self.seed;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let id = i64::try_from(mixed >> 34).unwrap_or(0) + 1;
            let text = id.to_string();
            if self.records.iter().all(|record| record.id != text) {
                return id;
            }
        }
    }
}

impl Csms {
    /// The id for a new 1.6 transaction.
    pub(super) fn fresh_transaction_id(&mut self) -> i64 {
        if self.ledger.has_ended() && self.faults.hits("csms-reuses-transaction-ids") {
            return self.ledger.reused_id();
        }
        self.ledger.fresh_id(self.now.0)
    }
}
