//! Certificates, from a real handshake: one that is right, and each way of being wrong.

use super::proxy::Proxy;
use super::{Env, failures, plan, result, stage};
use crate::stage::Stage;
use engine::doctor::{Checkup, Verdict};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

const AUTHORITY: &[u8] = include_bytes!("../../../src/doctor/fixtures/test_only_authority.der");
const SOUND: &[u8] = include_bytes!("../../../src/doctor/fixtures/test_only_localhost.der");
const EXPIRED: &[u8] = include_bytes!("../../../src/doctor/fixtures/test_only_expired.der");
const OTHER_HOST: &[u8] = include_bytes!("../../../src/doctor/fixtures/test_only_other_host.der");
const KEY: &[u8] = include_bytes!("../../../src/doctor/fixtures/test_only_key.der");

fn acceptor(certificate: &'static [u8]) -> TlsAcceptor {
    engine::channels::client::install_crypto();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate)], key)
        .expect("a certificate and its key");
    TlsAcceptor::from(Arc::new(config))
}

/// What the stage looks like behind this certificate, to somebody who trusts these authorities.
async fn behind(stage: &Stage, certificate: &'static [u8], authorities: &[&'static [u8]]) -> Checkup {
    let proxy = Proxy::new().tls(acceptor(certificate)).start(stage.port).await;
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(CertificateDer::from(*authority)).expect("an authority");
    }
    let mut plan = plan(stage, &proxy.url);
    plan.roots = Some(roots);
    Env::of(stage, &stage.carrier.rest_url).examine(plan).await
}

#[tokio::test]
async fn behind_a_trusted_certificate_everything_works() {
    let stage = stage().await;
    let checkup = behind(&stage, SOUND, &[AUTHORITY]).await;
    assert_eq!(failures(&checkup), [], "{checkup:#?}");
    let tls = result(&checkup, "tls");
    assert_eq!(tls.verdict, Verdict::Ok);
    assert!(
        tls.seen.starts_with("TLS 1.3, trusted, ") && tls.seen.ends_with(" days left"),
        "{tls:?}"
    );
    // The carrier signs https without the port, and the engine accepts it.
    assert_eq!(result(&checkup, "signed").verdict, Verdict::Ok);
    assert_eq!(result(&checkup, "spellings").verdict, Verdict::Ok);
    assert_eq!(result(&checkup, "document").verdict, Verdict::Ok, "its stream is wss");
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_has_the_carriers_code() {
    let stage = stage().await;
    let cases = [
        (EXPIRED, &[AUTHORITY][..], 11236, "has expired ("),
        (OTHER_HOST, &[AUTHORITY][..], 11235, "another host"),
        (SOUND, &[][..], 11237, "nobody whom carriers trust"),
    ];
    for (certificate, authorities, code, words) in cases {
        let checkup = behind(&stage, certificate, authorities).await;
        assert_eq!(failures(&checkup), [("tls", Some(code))], "{checkup:#?}");
        assert!(result(&checkup, "tls").seen.contains(words), "{checkup:#?}");
        // Nothing that proves who asks is sent there; what proves nothing is looked at all the same.
        assert_eq!(result(&checkup, "signed").verdict, Verdict::Skipped);
        assert_eq!(result(&checkup, "engine").verdict, Verdict::Ok);
        assert!(result(&checkup, "prompt").seen.starts_with("6 sounds"));
        assert_eq!(result(&checkup, "frames").verdict, Verdict::Ok);
    }
}

#[tokio::test]
async fn plain_http_on_a_tls_address_is_told() {
    let stage = stage().await;
    let url = format!("https://localhost:{}", stage.port);
    let checkup = Env::of(&stage, &stage.carrier.rest_url)
        .examine(plan(&stage, &url))
        .await;
    assert_eq!(failures(&checkup), [("tls", Some(11220))], "{checkup:#?}");
    assert_eq!(result(&checkup, "engine").verdict, Verdict::Skipped);
}
