//! The port to listen on: free, or an engine has it already.

use super::case::Case;
use super::outcome::Outcome;
use super::web::Ask;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    let Ok(settings) = &case.settings else {
        return vec![Outcome::skipped("port", "the settings cannot be read")];
    };
    let address = settings.listen;
    vec![match TcpListener::bind(address).await {
        Ok(_free_again_at_once) => Outcome::ok("port", format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => taken(case, address).await,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Outcome::fail("port", format!("{address} is not allowed to this user"))
                .help("take a port from 1024 on, and let a proxy have the others")
        }
        Err(error) => {
            Outcome::fail("port", format!("{address}: {error}")).help("set PORT, or `listen` in `engine.yaml`")
        }
    }]
}

async fn taken(case: &Case, address: SocketAddr) -> Outcome {
    let host = match address.ip().is_unspecified() {
        true => Ipv4Addr::LOCALHOST.into(),
        false => address.ip(),
    };
    let url = format!("http://{}/version", SocketAddr::new(host, address.port()));
    let version = case.web.ask(Ask::get(url)).await.ok().and_then(|answer| answer.json());
    match version.as_ref().and_then(|json| json["version"].as_str()) {
        Some(version) => Outcome::ok("port", format!("an engine ({version}) listens on {address} already")),
        None => Outcome::fail("port", format!("something that is no engine has {address}"))
            .help("end it, or set another PORT"),
    }
}
