//! One TLS handshake as the carrier makes it: who answers, with which certificate, in which version.

use super::certificate::Certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, ProtocolVersion,
    SignatureScheme,
};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// What a handshake showed.
#[derive(Debug, Default)]
pub struct Handshake {
    /// Such as `TLS 1.3`; empty where it did not come that far.
    pub version: &'static str,
    /// The server's own certificate, where it sent one that can be read.
    pub certificate: Option<Certificate>,
    /// Why the carrier would not go on.
    pub refused: Option<Refused>,
}

/// Why a handshake came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The carrier's code.
    pub code: u32,
    pub why: String,
    pub help: &'static str,
}

/// Shakes hands and hangs up. A certificate that is refused is looked at in a second handshake. Blocks.
pub fn shake(address: SocketAddr, host: &str, config: &Arc<ClientConfig>, timeout: Duration) -> Handshake {
    match once(address, host, config, timeout) {
        Ok(handshake) => handshake,
        Err(refused) => {
            let noting = ClientConfig::builder()
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(ring::default_provider())))
                .with_no_client_auth();
            let looked = once(address, host, &Arc::new(noting), timeout).unwrap_or_default();
            Handshake {
                refused: Some(refused),
                ..looked
            }
        }
    }
}

fn once(address: SocketAddr, host: &str, config: &Arc<ClientConfig>, timeout: Duration) -> Result<Handshake, Refused> {
    let host = host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|_| Refused {
        code: 11220,
        why: "the host's name can stand in no certificate".to_owned(),
        help: "give the deployment a host name",
    })?;
    let mut connection = ClientConnection::new(Arc::clone(config), name).map_err(|error| refused(&error))?;
    let connected = TcpStream::connect_timeout(&address, timeout).and_then(|stream| {
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(stream)
    });
    let mut stream = connected.map_err(|error| broken(&error))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
                Some(error) => refused(error),
                None => broken(&error),
            }
        })?;
    }
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let own = connection.peer_certificates().and_then(<[_]>::first);
    Ok(Handshake {
        version,
        certificate: own.and_then(|der| Certificate::read(der).ok()),
        refused: None,
    })
}

fn broken(error: &std::io::Error) -> Refused {
    Refused {
        code: 11220,
        why: format!("the connection broke off: {error}"),
        help: "see that TLS, and not plain HTTP, answers on this port",
    }
}

/// What the carrier would make of it.
fn refused(error: &Error) -> Refused {
    let (code, why, help) = match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => (
            11236,
            "the certificate has expired",
            "renew it, and see why it was not renewed by itself",
        ),
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => (
            11236,
            "the certificate is not valid yet",
            "set the clock of the machine that made it, or wait",
        ),
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => (
            11235,
            "the certificate is for another host",
            "get a certificate that names this host, or give the carrier the host that it names",
        ),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => (
            11237,
            "nobody whom carriers trust has signed the certificate, or the one between is not sent",
            "send the full chain; a certificate that signs itself is not accepted",
        ),
        Error::InvalidCertificate(other) => {
            return Refused {
                code: 11237,
                why: format!("the certificate is refused: {other:?}"),
                help: "get a certificate from a public authority",
            };
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => (
            11220,
            "the server speaks no version of TLS that the carrier does",
            "turn on TLS 1.2 or newer",
        ),
        Error::AlertReceived(AlertDescription::UnrecognisedName) => (
            11220,
            "the server knows no host of this name",
            "set up the host at whatever ends TLS",
        ),
        Error::InvalidMessage(_) => (
            11220,
            "what answers does not speak TLS",
            "see that TLS, and not plain HTTP, answers on this port",
        ),
        other => {
            return Refused {
                code: 11220,
                why: format!("the handshake failed: {other}"),
                help: "look at the log of whatever ends TLS",
            };
        }
    };
    Refused {
        code,
        why: why.to_owned(),
        help,
    }
}

/// Accepts any certificate, to look at it: nothing is sent over such a connection.
#[derive(Debug)]
struct Anybody(CryptoProvider);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _own: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
