//! gRPC to Google: the connection, the coding of messages and what a status means.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};
use url::Url;

use super::is_about_the_key;
use crate::channels::redact::clean;
use crate::providers::{Patience, ProviderError};
use std::time::Duration;

/// A connection on which nothing comes is tried this often, and given up five seconds later.
const PROBE_EVERY: Duration = Duration::from_secs(30);

/// Connects within the patience; `http` bases speak HTTP/2 without TLS. Errors: the address, or the network.
pub(crate) async fn connect(base: &Url, patience: &Patience) -> Result<Channel, ProviderError> {
    let bad = |_| ProviderError::BadRequest {
        detail: "the provider's base URL is not an http or https URL".to_owned(),
    };
    let mut endpoint = Endpoint::from_shared(base.to_string())
        .map_err(bad)?
        .connect_timeout(patience.connect)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PROBE_EVERY)
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true);
    if base.scheme() == "https" {
        crate::channels::client::install_crypto();
        endpoint = endpoint
            .tls_config(ClientTlsConfig::new().with_webpki_roots())
            .map_err(bad)?;
    }
    match tokio::time::timeout(patience.connect, endpoint.connect()).await {
        Ok(connected) => connected.map_err(|_| ProviderError::Transient {
            detail: "Google cannot be reached".to_owned(),
        }),
        Err(_) => Err(ProviderError::Timeout {
            limit: patience.connect,
        }),
    }
}

/// What the end of a call means.
pub(crate) fn fault(status: &Status) -> ProviderError {
    if let Some(error) = page(status) {
        return error;
    }
    let said = clean(status.message());
    let detail = match said.is_empty() {
        true => format!("status {:?}", status.code()),
        false => format!("status {:?}: {said}", status.code()),
    };
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => ProviderError::Auth { detail },
        Code::InvalidArgument if is_about_the_key(status.message()) => ProviderError::Auth { detail },
        Code::ResourceExhausted => ProviderError::Quota {
            retry_after: None,
            detail,
        },
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Unimplemented => ProviderError::BadRequest { detail },
        Code::DataLoss => ProviderError::Protocol { detail },
        // Among them the ends of streams that were too old or got no sound.
        _ => ProviderError::Transient { detail },
    }
}

/// An answer that is not gRPC at all, of a gateway or a wrong address: the library puts its HTTP status into the message.
fn page(status: &Status) -> Option<ProviderError> {
    let (_, after) = status.message().split_once("response with status: ")?;
    let code = http::StatusCode::from_bytes(after.as_bytes().get(..3)?).ok()?;
    let refused = !code.is_success() && status.code() == Code::Internal;
    refused.then(|| ProviderError::from_answer(code, &http::HeaderMap::new(), b""))
}

/// Protocol buffers on the wire. What cannot be read is [`Code::DataLoss`], to be told from faults of the service itself.
pub(crate) struct Protobuf<Out, In>(PhantomData<(Out, In)>);

impl<Out, In> Default for Protobuf<Out, In> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Out: Message + 'static, In: Message + Default + 'static> Codec for Protobuf<Out, In> {
    type Encode = Out;
    type Decode = In;
    type Encoder = Protobuf<Out, In>;
    type Decoder = Protobuf<Out, In>;

    fn encoder(&mut self) -> Self::Encoder {
        Self::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Self::default()
    }
}

impl<Out: Message, In> Encoder for Protobuf<Out, In> {
    type Item = Out;
    type Error = Status;

    fn encode(&mut self, item: Out, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(into).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<Out, In: Message + Default> Decoder for Protobuf<Out, In> {
    type Item = In;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<In>, Status> {
        In::decode(from)
            .map(Some)
            .map_err(|_| Status::data_loss("a message that cannot be read"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ErrorClass;

    #[test]
    fn statuses_fall_into_classes() {
        use ErrorClass::*;
        let cases = [
            (Status::unauthenticated("x"), Auth),
            (Status::permission_denied(""), Auth),
            (
                Status::invalid_argument("API key not valid. Please pass a valid API key."),
                Auth,
            ),
            (Status::invalid_argument("bad sample rate"), BadRequest),
            (Status::resource_exhausted("quota"), Quota),
            (
                Status::out_of_range("Exceeded maximum allowed stream duration"),
                Transient,
            ),
            (Status::unavailable(""), Transient),
            (Status::data_loss(""), Protocol),
        ];
        for (status, class) in cases {
            assert_eq!(fault(&status).class(), class, "{status:?}");
        }
        assert!(
            fault(&Status::internal("for +972501234567"))
                .to_string()
                .contains("…67")
        );
    }
}
