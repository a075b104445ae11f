//! Scratch.
use lockstep_sandbox::{Options, Sandbox};
fn main() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("rt").block_on(async {
        let port: u16 = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(8873);
        let options = Options {
            listen: ([127, 0, 0, 1], port).into(),
            admin_token: Some("lockstep-admin-token".into()),
            admin_password: Some("lockstep-password".into()),
            ..Options::default()
        };
        let sandbox = Sandbox::start(options).await.expect("start");
        std::future::pending::<()>().await;
        sandbox.stop().await;
    });
}
