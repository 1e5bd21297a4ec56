//! The messages of `google.cloud.speech.v1` that are used here, with their field numbers (`cloud_speech.proto`).

/// The method for speech while it is spoken.
pub(crate) const STREAMING_RECOGNIZE: &str = "/google.cloud.speech.v1.Speech/StreamingRecognize";
/// `AudioEncoding.MULAW`.
pub(crate) const MULAW: i32 = 3;

/// The first message of a stream holds the configuration, all others sound.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamingRecognizeRequest {
    #[prost(oneof = "StreamingRequest", tags = "1, 2")]
    pub request: Option<StreamingRequest>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum StreamingRequest {
    #[prost(message, tag = "1")]
    Config(StreamingRecognitionConfig),
    #[prost(bytes = "bytes", tag = "2")]
    Sound(bytes::Bytes),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamingRecognitionConfig {
    #[prost(message, optional, tag = "1")]
    pub config: Option<RecognitionConfig>,
    #[prost(bool, tag = "3")]
    pub interim_results: bool,
    #[prost(bool, tag = "5")]
    pub enable_voice_activity_events: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RecognitionConfig {
    #[prost(int32, tag = "1")]
    pub encoding: i32,
    #[prost(int32, tag = "2")]
    pub sample_rate_hertz: i32,
    #[prost(string, tag = "3")]
    pub language_code: String,
    #[prost(bool, tag = "5")]
    pub profanity_filter: bool,
    #[prost(message, repeated, tag = "6")]
    pub speech_contexts: Vec<SpeechContext>,
    #[prost(bool, tag = "11")]
    pub enable_automatic_punctuation: bool,
    /// Empty for the service's own choice.
    #[prost(string, tag = "13")]
    pub model: String,
    #[prost(bool, tag = "14")]
    pub use_enhanced: bool,
    #[prost(string, repeated, tag = "18")]
    pub alternative_language_codes: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SpeechContext {
    #[prost(string, repeated, tag = "1")]
    pub phrases: Vec<String>,
    #[prost(float, tag = "4")]
    pub boost: f32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamingRecognizeResponse {
    #[prost(message, optional, tag = "1")]
    pub error: Option<RpcStatus>,
    #[prost(message, repeated, tag = "2")]
    pub results: Vec<StreamingRecognitionResult>,
    #[prost(enumeration = "SpeechEvent", tag = "4")]
    pub speech_event_type: i32,
}

/// `SpeechEventType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum SpeechEvent {
    Unspecified = 0,
    EndOfSingleUtterance = 1,
    ActivityBegin = 2,
    ActivityEnd = 3,
    ActivityTimeout = 4,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamingRecognitionResult {
    #[prost(message, repeated, tag = "1")]
    pub alternatives: Vec<Alternative>,
    #[prost(bool, tag = "2")]
    pub is_final: bool,
    #[prost(float, tag = "3")]
    pub stability: f32,
    /// Counted from the start of the stream's sound.
    #[prost(message, optional, tag = "4")]
    pub result_end_time: Option<Span>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Alternative {
    #[prost(string, tag = "1")]
    pub transcript: String,
    #[prost(float, tag = "2")]
    pub confidence: f32,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Span {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
}

impl Span {
    /// In milliseconds; what cannot be is 0.
    pub(crate) fn millis(self) -> u64 {
        let seconds = u64::try_from(self.seconds).unwrap_or(0);
        seconds
            .saturating_mul(1000)
            .saturating_add(u64::try_from(self.nanos).unwrap_or(0) / 1_000_000)
    }
}
