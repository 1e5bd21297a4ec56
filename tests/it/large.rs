//! A long flow: one desk after another, each with opening hours, a menu, a transfer and a service that is asked.

use std::fmt::Write as _;

/// Steps of one desk.
pub const STEPS_PER_DESK: usize = 10;

/// A flow of so many desks, for a project with the bundled sounds.
pub fn flow(desks: usize) -> String {
    let mut text = String::from(
        "flow: large\nversion: 1\nlocale: en-US\nstart: {call: hours0}\nlimits: {call: 30m, silence: 8s}\n\
         otherwise: message\nsteps:\n",
    );
    for n in 0..desks {
        let next = if n + 1 < desks {
            format!("hours{}", n + 1)
        } else {
            "message".to_owned()
        };
        let desk = DESK.replace("NEXT", &next).replace('#', &n.to_string());
        let _infallible = write!(text, "{desk}");
    }
    text + END
}

const DESK: &str = r#"
  hours#:
    choose: {open: 'open(now, "sun-thu 09:00-18:00", "Asia/Jerusalem")'}
    on: {open: menu#, else: closed#}
  menu#:
    gather:
      prompt: tts/menu_en.mp3
      retry: [tts/invalid_en.mp3]
      keys: 1
      timeout: 5s
      tries: 3
      choices: {sales: "1", support: "2", next: "3"}
    on: {sales: sales#, support: look#, next: NEXT, no_input: message, no_match: message}
  sales#:
    play: tts/connecting_en.mp3
    next: call#
  call#:
    dial: {number: "+14155550101", timeout: 20s, limit: 20m}
    on: {completed: goodbye, busy: message, no_answer: message, failed: message, canceled: message}
  look#:
    play: tts/connecting_en.mp3
    next: ask#
  ask#:
    http: {url: "https://api.example.com/desks/#", timeout: 4s, returns: {seats: number}, into: desk#}
    on: {ok: full#, failed: closed#}
  full#:
    choose: {full: 'vars.desk#.seats == 0'}
    on: {full: closed#, else: tell#}
  tell#:
    say: "There are {{ vars.desk#.seats }} seats."
    next: keep#
  keep#:
    set: {last: "desk #"}
    next: NEXT
  closed#:
    play: tts/closed_en.mp3
    next: NEXT
"#;

const END: &str = "
  message:
    record: {prompt: tts/leave_message_en.mp3, silence: 4s, max: 2m, transcribe: true}
    next: goodbye
  goodbye:
    play: tts/goodbye_en.mp3
    next: end_call
  end_call:
    hangup: {}
";
