//! The templates that come with the engine. One more is a file in `templates/` and a line here.

pub(super) const TEMPLATES: &[(&str, &str)] = &[
    ("client", include_str!("../../../templates/client.xml")),
    ("conference", include_str!("../../../templates/conference.xml")),
    ("dial", include_str!("../../../templates/dial.xml")),
    ("enqueue", include_str!("../../../templates/enqueue.xml")),
    ("fork", include_str!("../../../templates/fork.xml")),
    ("gather", include_str!("../../../templates/gather.xml")),
    ("hangup", include_str!("../../../templates/hangup.xml")),
    ("leave", include_str!("../../../templates/leave.xml")),
    ("message", include_str!("../../../templates/message.xml")),
    ("number", include_str!("../../../templates/number.xml")),
    ("pause", include_str!("../../../templates/pause.xml")),
    ("pay", include_str!("../../../templates/pay.xml")),
    ("play", include_str!("../../../templates/play.xml")),
    ("prompt", include_str!("../../../templates/prompt.xml")),
    ("queue", include_str!("../../../templates/queue.xml")),
    ("record", include_str!("../../../templates/record.xml")),
    ("redirect", include_str!("../../../templates/redirect.xml")),
    ("refer", include_str!("../../../templates/refer.xml")),
    ("reject", include_str!("../../../templates/reject.xml")),
    ("relay", include_str!("../../../templates/relay.xml")),
    ("say", include_str!("../../../templates/say.xml")),
    ("sip", include_str!("../../../templates/sip.xml")),
    ("stop_fork", include_str!("../../../templates/stop_fork.xml")),
    ("stream", include_str!("../../../templates/stream.xml")),
    ("stream_to", include_str!("../../../templates/stream_to.xml")),
];

pub(super) fn is_bundled(name: &str) -> bool {
    TEMPLATES.iter().any(|(known, _)| *known == name)
}
