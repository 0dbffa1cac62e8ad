//! Procedures: what a case does where a choreography of messages cannot say it (`procedure: call in fragments`).
//!
//! The language knows their names and what they do; the engine carries them out.

use protocol::Version;

/// Declares the procedures with their names and what `plugfest explain` says about them.
macro_rules! procedures {
    ($($name:ident $words:literal $page:literal)*) => {
        /// What a case does instead of steps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Procedure {
            $(#[doc = $page] $name,)*
        }

        impl Procedure {
            /// Every procedure.
            pub const ALL: &[Procedure] = &[$(Procedure::$name),*];

            /// Its name in a case file.
            pub fn name(self) -> &'static str {
                match self { $(Procedure::$name => $words),* }
            }

            /// What it does and demands; `plugfest explain` prints it.
            pub fn page(self) -> &'static str {
                match self { $(Procedure::$name => $page),* }
            }
        }
    };
}

procedures! {
    CallInFragments "call in fragments"
        "Sends a call in three WebSocket fragments with a ping between each two, then one that is cut inside a \
         character. The last ping gets its pong, and each call is answered like one in a single frame."
    AnswerInFragments "answer in fragments"
        "Triggers two heartbeats of a station and answers each in three WebSocket fragments with a ping between each \
         two. The last ping gets its pong, and the station takes the answer: it does not wait for it any longer when \
         the second heartbeat is due."
    PingsAnswered "pings answered"
        "Sends pings with no payload, with text, with bytes that are no text and with the longest payload there is. \
         Each gets a pong with the same payload before the next is sent. A pong that nobody asked for changes nothing."
    LinkClosed "link closed"
        "Closes the link with 1000. The device answers with a close frame of whatever code, a new link comes about, \
         and a call on it is answered."
    TextNotUtf8 "text not UTF-8"
        "Sends a text message that is not UTF-8. The device should fail the link with 1007; whatever it does is noted, \
         and afterwards it answers a call, on this link or on a new one."
    BinaryMessages "binary messages"
        "Sends a binary message that is no text, and one that holds the bytes of a call. Whatever the device does about \
         them is noted (a binary message that is answered earns a warning), and afterwards it answers a call, on this \
         link or on a new one."
    DamagedFrames "damaged frames"
        "Sends a frame with a reserved bit, one with a reserved opcode, a continuation of nothing, and a head that \
         announces a terabyte, each on a link that is whole. The device should fail the link with a close code; \
         whatever it does is noted, and afterwards it answers a call, on this link or on a new one."
    LinkReplaced "link replaced"
        "Opens a second link to a CSMS as the same station while the first is still open, as a station does that has \
         lost its network unnoticed, and lets the first one end. A call on the new link is answered. A CSMS that \
         refuses the second link takes it once the first has ended."
    AnswerInUnknownWords "answer in unknown words"
        "Has a CSMS clear the cache of a station, and answers in a word that does not exist. Whatever the CSMS makes of \
         that, it answers a call afterwards."
    AddressesInTexts "addresses in texts"
        "Hides addresses of a listener of ours in texts of messages that have nothing to do with them: as they are, as a \
         log might look them up, as a shell might run them, and as an entity of XML. Nobody comes; whoever comes earns a \
         warning. The listener is on 127.0.0.1, or where `values.canary_host` of the rig says that the device would come."
    PasswordsChecked "passwords checked"
        "While our station is connected, asks for further links under its identity: without a password, with a wrong one, \
         and with that of another station. Each is refused before the upgrade completes, and the first link is served \
         as before. A device that has no passwords is not asked."
    TwoStations "two stations"
        "Plays a second station beside ours. Both call in turns, what the CSMS knows and what it does not. Each gets its \
         own answers on its own link, and no text for one names the other (which earns a warning)."
    TransactionOfAnother "transaction of another station"
        "Starts a transaction, and has a second station send the end of it. Whatever the CSMS says to that one, our own \
         end of the transaction is answered. Where the token may charge once at a time, it is still refused elsewhere \
         after the end that the second station sent, and after one of a transaction that nobody has started."
    ManyCalls "many calls"
        "Sends sixty harmless calls on one link, one after the other. Each gets its own result, and the last ones take \
         no longer than the first."
    OneCallAtATime "one call at a time"
        "Has a CSMS read a variable, or in 1.6 a key, withholds the answer, and asks for the same once more. As long as the first call \
         is not answered no second one comes; whether the CSMS keeps it or refuses to make it is its own business."
}

impl Procedure {
    /// The actions that a CSMS of this version has to send on request for it.
    pub fn asks_for(self, version: Version) -> &'static [&'static str] {
        match self {
            Procedure::OneCallAtATime if version == Version::V16 => &["GetConfiguration"],
            Procedure::OneCallAtATime => &["GetVariables"],
            Procedure::AnswerInUnknownWords => &["ClearCache"],
            _ => &[],
        }
    }

    /// Whether it plays a second station towards the CSMS.
    pub fn plays_another_station(self) -> bool {
        matches!(self, Procedure::TwoStations | Procedure::TransactionOfAnother)
    }

    /// Whether it is about the passwords of stations.
    pub fn tries_passwords(self) -> bool {
        self == Procedure::PasswordsChecked
    }

    /// Whether it charges under the rig's valid token.
    pub fn charges(self) -> bool {
        self == Procedure::TransactionOfAnother
    }

    /// The procedure of this name.
    pub fn find(name: &str) -> Option<Procedure> {
        Self::ALL.iter().copied().find(|procedure| procedure.name() == name)
    }
}
