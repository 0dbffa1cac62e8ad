//! A listener of our own to which nobody has reason to come: who does, follows an address that was hidden in a message.
//!
//! It speaks as much HTTP and FTP as it takes to hear what a client wants. It listens on loopback, unless a rig says
//! where its device would come.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// The listener; it ends with this.
#[derive(Debug)]
pub struct Canary {
    address: SocketAddr,
    hits: Arc<Mutex<VecDeque<Hit>>>,
    task: JoinHandle<()>,
}

/// Somebody came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The act whose token was in what it said, if one was.
    pub act: Option<usize>,
    /// What it said, shortened.
    pub bytes: Vec<u8>,
}

/// So much is listened to.
const LONGEST: usize = 2048;
/// So many hits wait to be taken.
const MOST: usize = 1000;
/// So many are listened to at once.
const AT_ONCE: usize = 64;
/// Who says nothing for so long waits for a greeting.
const GREETING: Duration = Duration::from_millis(200);
/// Nobody is listened to for longer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Canary {
    /// Listens on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// There is no port to be had.
    pub async fn listen() -> io::Result<Canary> {
        Canary::listen_at(Ipv4Addr::LOCALHOST.into()).await
    }

    /// Listens on a free port of this address of ours.
    ///
    /// # Errors
    ///
    /// It is none of ours, or there is no port to be had.
    pub async fn listen_at(address: IpAddr) -> io::Result<Canary> {
        let listener = TcpListener::bind((address, 0)).await?;
        let address = listener.local_addr()?;
        let hits: Arc<Mutex<VecDeque<Hit>>> = Arc::default();
        let task = tokio::spawn(accept(listener, hits.clone()));
        Ok(Canary { address, hits, task })
    }

    /// Where it listens: `127.0.0.1:40123`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// An address with the token of an act: `127.0.0.1:40123/canary-17`.
    pub fn token(&self, act: usize) -> String {
        format!("{}/canary-{act}", self.address)
    }

    /// Who came since this was last asked.
    pub fn take(&self) -> Vec<Hit> {
        // A list is whole whoever panicked while he held it.
        self.hits.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, hits: Arc<Mutex<VecDeque<Hit>>>) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else { continue };
        let hits = hits.clone();
        tokio::spawn(async move {
            let mut bytes = Vec::new();
            // Whatever came of it, he was here.
            let _ = tokio::time::timeout(PATIENCE, listen(stream, &mut bytes)).await;
            let mut hits = hits.lock().unwrap_or_else(PoisonError::into_inner);
            if hits.len() < MOST {
                hits.push_back(Hit { act: act_of(&bytes), bytes });
            }
            drop(place);
        });
    }
}

/// Hears what a client wants.
async fn listen(mut stream: TcpStream, heard: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 1024];
    let first = tokio::time::timeout(GREETING, stream.read(&mut buffer)).await;
    let mut count = match first {
        Ok(count) => count?,
        Err(_) => {
            stream.write_all(b"220 ready\r\n").await?;
            stream.read(&mut buffer).await?
        }
    };
    while count > 0 {
        let said = &buffer[..count];
        heard.extend_from_slice(&said[..count.min(LONGEST.saturating_sub(heard.len()))]);
        if heard.len() >= LONGEST {
            return Ok(());
        }
        let answer: &[u8] = match said {
            _ if heard.windows(4).any(|four| four == b"\r\n\r\n") => {
                stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
                return stream.shutdown().await;
            }
            [b'U', b'S', b'E', b'R', ..] => b"331 go on\r\n",
            [b'P', b'A', b'S', b'S', ..] => b"230 go on\r\n",
            [b'Q', b'U', b'I', b'T', ..] => b"221 bye\r\n",
            [b'T', b'Y', b'P', b'E', ..] | [b'C', b'W', b'D', ..] => b"200 go on\r\n",
            _ if heard.windows(5).any(|five| five == b"HTTP/") => b"",
            _ => b"502 not here\r\n",
        };
        stream.write_all(answer).await?;
        count = stream.read(&mut buffer).await?;
    }
    Ok(())
}

/// The act whose token is in it.
fn act_of(bytes: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once("canary-")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn hit(canary: &Canary) -> Hit {
        loop {
            if let Some(hit) = canary.take().pop() {
                return hit;
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_fetches_over_http_is_heard_and_answered() {
        let canary = Canary::listen().await.unwrap();
        let mut stream = TcpStream::connect(canary.address()).await.unwrap();
        stream.write_all(b"GET /canary-17 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"));
        assert_eq!(hit(&canary).await.act, Some(17));
        assert!(canary.token(17).ends_with("/canary-17"));
    }

    #[tokio::test]
    async fn who_waits_for_a_greeting_gets_one() {
        let canary = Canary::listen().await.unwrap();
        let mut stream = TcpStream::connect(canary.address()).await.unwrap();
        let mut buffer = [0; 64];
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..count].starts_with(b"220"));
        stream.write_all(b"USER anonymous\r\n").await.unwrap();
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..count].starts_with(b"331"));
        stream.write_all(b"RETR canary-3\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(hit(&canary).await.act, Some(3));
    }

    #[tokio::test]
    async fn who_says_much_is_cut_short() {
        let canary = Canary::listen().await.unwrap();
        let mut stream = TcpStream::connect(canary.address()).await.unwrap();
        // It may be gone before all is written.
        let _ = stream.write_all(&vec![b'x'; 100_000]).await;
        drop(stream);
        let hit = hit(&canary).await;
        assert!(hit.bytes.len() <= LONGEST);
        assert_eq!(hit.act, None);
    }
}
