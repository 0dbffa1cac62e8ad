//! Ctrl-C and SIGTERM: the run ends cleanly and its reports are written; a second time it ends at once.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use verdict::ExitCode;

/// Requests that follow each other so closely are one.
const TWICE: Duration = Duration::from_millis(500);

/// Becomes true when the process is asked to end. To be called inside a runtime.
pub(crate) fn watch() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        asked().await;
        let first = Instant::now();
        let _ = sender.send(true);
        asked().await;
        // `timeout` asks the process and then its group, which is asking once.
        while first.elapsed() < TWICE {
            asked().await;
        }
        std::process::exit(ExitCode::Interrupted as i32);
    });
    receiver
}

/// Waits for the next request to end.
pub(crate) async fn asked() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                interrupted = tokio::signal::ctrl_c() => if interrupted.is_err() { std::future::pending::<()>().await },
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
