//! Stations that we do not let in, or only under a name that they must not put up with.

use std::time::Duration;

use link::handshake::{self, Headers};
use link::{Connection, EventKind, Limits, Stream};
use protocol::frame::Frame;
use tokio::time::Instant;

use super::Stage;
use super::open::HANDSHAKE;
use super::probes::plain_call;
use crate::What;
use crate::act::Reception;
use crate::seen::Then;

/// Who has not come again within this time does not come any more, whatever its waits between attempts.
const NEVER: Duration = Duration::from_secs(12 * 3600);
/// Where time is real, so many times the rig's time for a new connection are waited for: waits may double.
const PATIENT: u32 = 4;

impl Stage {
    /// Receives the station in this way so many times, then lets it in.
    pub(super) async fn receive(&mut self, reception: &Reception, times: u32) {
        if self.is_open(0) {
            self.close_and_forget().await;
        }
        let virtual_time = self.setting.virtual_time;
        let patience = if virtual_time { NEVER } else { self.setting.rig.timeouts.reconnect * PATIENT };
        let mut received = 0;
        let mut until = Instant::now() + patience;
        let came = loop {
            if received >= times {
                break self.admitted(patience).await;
            }
            match self.station_comes(until).await {
                Err(reason) => break Err(reason),
                Ok(stream) => {
                    if self.received(stream, reception).await {
                        received += 1;
                        until = Instant::now() + patience;
                    }
                }
            }
        };
        if let Err(reason) = came {
            if received > 0 {
                self.away = true;
                let received = Some((reception.clone(), received));
                self.saw(0, What::StayedAway { received, waited: patience, certain: virtual_time });
            } else {
                self.saw(0, What::Refused { status: None, reason });
            }
        }
    }

    /// Waits for a station that did not come in time, where that costs nothing.
    pub(super) async fn wait_for_ever(&mut self) {
        if self.setting.virtual_time && !self.away && self.admitted(NEVER).await.is_err() {
            self.saw(0, What::StayedAway { received: None, waited: NEVER, certain: true });
        }
    }

    /// Whether a handshake came, and was received in this way.
    async fn received(&mut self, stream: Stream, reception: &Reception) -> bool {
        let answered = async {
            let incoming = handshake::read_request(stream, &Limits::default()).await.ok()?;
            match reception {
                Reception::HangUp => Some(None),
                Reception::Refuse(status) => {
                    // A station that is gone already has been refused, too.
                    let _ = incoming.refuse(*status, &Headers::new(), b"not now").await;
                    Some(None)
                }
                Reception::Misname(name) => {
                    let offered = |name: &String| incoming.request.subprotocols.contains(name);
                    let name = name.clone().filter(|name| !offered(name));
                    let connection = incoming.accept(name.as_deref(), &Headers::new()).await.ok();
                    Some(connection.map(|connection| (connection, name)))
                }
            }
        };
        match tokio::time::timeout(HANDSHAKE, answered).await {
            Ok(Some(accepted)) => {
                if let Some((connection, subprotocol)) = accepted {
                    let then = self.left(connection).await;
                    self.saw(0, What::Misnamed { subprotocol, then });
                }
                true
            }
            Ok(None) | Err(_) => false,
        }
    }

    /// What a station does with a connection that it has to leave, when it is asked what every station answers.
    async fn left(&mut self, mut connection: Connection<Stream>) -> Then {
        let (action, payload) = plain_call(self.setting.device, self.setting.version);
        let id = format!("{}m{}", self.setting.prefix, self.act);
        let call = Frame::Call { id, action: action.to_owned(), payload };
        // An error shows as the end of the connection.
        let _ = connection.send_text(&call.to_text()).await;
        let until = Instant::now() + self.setting.rig.timeouts.reply;
        loop {
            let Ok(event) = tokio::time::timeout_at(until, connection.next()).await else { return Then::Stayed };
            match event.kind {
                EventKind::Text(bytes) => return Then::Spoke(bytes.into()),
                EventKind::Close { .. } | EventKind::Ended(_) => return Then::Left,
                EventKind::Binary(_) | EventKind::Ping(_) | EventKind::Pong(_) | EventKind::Unknown { .. } => {}
            }
        }
    }
}
