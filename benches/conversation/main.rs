//! What a conversation adds and costs: `cargo bench --bench conversation`, with `CALLS=200`, `SPEAKING=300`, `SECONDS=20`.
//!
//! Callers speak over real sockets to the engine's media session; its agent listens, thinks and speaks by the real adapters,
//! with services that answer at once. The engine is alone in its process; callers and services share another, and one clock.

mod carrier;
mod server;
mod services;
mod track;

use carrier::{FRAME, Passed};
use server::{Account, Kind, Server, busy};
use services::{Services, Stamps};
use std::sync::Arc;
use std::time::{Duration, Instant};
use track::{SILENCE, Track};

/// Calls begin spread over this, about as long as a turn and its answer, so that turns end at any time.
const RAMP: Duration = Duration::from_millis(4700);
/// How long all of them go on before they are measured.
const WARM: Duration = Duration::from_secs(2);
/// Frames that are sent ahead: 200 ms.
const LEAD: usize = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    match arguments.split_first() {
        Some((first, rest)) if first == "serve" => runtime.block_on(server::serve(rest)),
        _ => runtime.block_on(measure()),
    }
}

fn number(name: &str, otherwise: usize) -> usize {
    let number = std::env::var(name).ok().and_then(|number| number.parse().ok());
    number.unwrap_or(otherwise)
}

async fn measure() {
    let (calls, speaking) = (number("CALLS", 200), number("SPEAKING", 300));
    let window = Duration::from_secs(number("SECONDS", 20) as u64);
    let seconds = (RAMP + WARM + window).as_secs() as usize + 2;
    let conversation = Arc::new(Track::conversation(seconds));
    let monologue = Arc::new(Track::monologue(seconds));
    for (kind, calls, track) in [
        (Kind::Echo, calls, &conversation),
        (Kind::Conversation, calls, &conversation),
        (Kind::Echo, speaking, &monologue),
        (Kind::Speaking, speaking, &monologue),
    ] {
        if calls > 0 {
            run(kind, calls, track, window).await.print(kind, calls);
        }
    }
}

/// One load on one server.
struct Measured {
    /// Of a core, in percent, and kilobytes: of one call.
    core: f64,
    memory: f64,
    /// Of a core, in percent: callers and services together.
    load: f64,
    account: Account,
    connections: u32,
    /// Frames heard, and how many of them late, as the caller's own side saw it.
    frames: usize,
    late: usize,
    turns: Turns,
}

async fn run(kind: Kind, calls: usize, track: &Arc<Track>, window: Duration) -> Measured {
    let services = Services::start(calls + 1);
    let mut server = Server::start(kind, &services);
    // What the process needs once is not what a call costs.
    let first = tokio::spawn(carrier::call(server.port, calls, Arc::clone(track)));
    tokio::time::sleep(WARM).await;
    first.abort();
    tokio::time::sleep(WARM).await;
    let _first = services.connections();
    let before = server.memory();
    let mut load = Vec::new();
    for number in 0..calls {
        load.push(tokio::spawn(carrier::call(server.port, number, Arc::clone(track))));
        tokio::time::sleep(RAMP / calls as u32).await;
    }
    tokio::time::sleep(WARM).await;
    let (engine, all, began) = (server.busy(), busy(std::process::id()), Instant::now());
    tokio::time::sleep(window).await;
    let took = began.elapsed().as_secs_f64();
    let percent = |used: f64| 100.0 * used / took;
    let core = percent(server.busy() - engine) / calls as f64;
    let load_core = percent(busy(std::process::id()) - all);
    let memory = (server.memory() - before) / calls as f64;
    let mut measured = Measured {
        core,
        memory,
        load: load_core,
        account: Account::default(),
        connections: 0,
        frames: 0,
        late: 0,
        turns: Turns::default(),
    };
    for (number, call) in load.into_iter().enumerate() {
        let passed = call.await.expect("no call fails");
        measured.frames += passed.heard.len();
        if kind == Kind::Speaking {
            measured.late += late(&passed.heard);
        }
        if kind == Kind::Conversation {
            measured.turns.add(track, &passed, &services.stamps(number));
        }
    }
    measured.connections = services.connections();
    measured.account = server.account();
    measured
}

/// Frames that came more than 20 ms behind the clock that the first one set.
fn late(heard: &[Instant]) -> usize {
    let due = |index: usize| heard[0] + FRAME * index.saturating_sub(LEAD - 1) as u32;
    let is_late = |(index, at): &(usize, &Instant)| at.saturating_duration_since(due(*index)) > FRAME;
    heard.iter().enumerate().filter(is_late).count()
}

/// Turns that were answered, in milliseconds.
#[derive(Default)]
struct Turns {
    /// From the last frame of speech to the frame that ends the turn, without the silence that is asked for.
    ear: Vec<f64>,
    /// From that frame to the request for an answer; from there, without the services' own time, to the request for sound; and
    /// to the first frame.
    asks: Vec<f64>,
    wants: Vec<f64>,
    sends: Vec<f64>,
    /// The sum of these three: what the engine itself adds.
    own: Vec<f64>,
    /// From the last frame of speech to the first of the answer.
    whole: Vec<f64>,
    /// From the frame that pauses an answer, or ends it, to the carrier's order.
    pauses: Vec<f64>,
    clears: Vec<f64>,
    /// Turns of which something did not come, or not when it was due.
    missed: usize,
}

impl Turns {
    fn add(&mut self, track: &Track, passed: &Passed, stamps: &Stamps) {
        let heard = |index: usize| passed.sent.get(index).copied();
        for turn in &track.turns {
            let (Some(last), Some(close)) = (heard(turn.last), heard(turn.close)) else {
                continue;
            };
            let asked_early = stamps.asked.iter().any(|at| (last..close).contains(at));
            let answered = Answered::find(close, passed, stamps).filter(|_| !asked_early);
            let Some(answered) = answered else {
                self.missed += 1;
                continue;
            };
            let lag = FRAME * (turn.close - turn.last) as u32;
            self.ear.push(millis(lag) - f64::from(SILENCE));
            let parts = [
                answered.asked - close,
                answered.wanted - answered.said,
                answered.heard - answered.spoke,
            ];
            self.asks.push(millis(parts[0]));
            self.wants.push(millis(parts[1]));
            self.sends.push(millis(parts[2]));
            self.own.push(millis(parts.iter().sum()));
            self.whole.push(millis(answered.heard - last));
        }
        // The first turn interrupts nothing.
        for turn in track.turns.iter().skip(1) {
            for (frame, times) in [(turn.pause, &mut self.pauses), (turn.confirm, &mut self.clears)] {
                let Some(said) = frame.and_then(heard) else { continue };
                match after(&passed.cleared, said) {
                    Some(cleared) => times.push(millis(cleared - said)),
                    None => self.missed += 1,
                }
            }
        }
    }
}

/// What followed the end of a turn.
struct Answered {
    asked: Instant,
    said: Instant,
    wanted: Instant,
    spoke: Instant,
    heard: Instant,
}

impl Answered {
    fn find(close: Instant, passed: &Passed, stamps: &Stamps) -> Option<Self> {
        let asked = after(&stamps.asked, close)?;
        let said = after(&stamps.said, asked)?;
        let wanted = after(&stamps.wanted, said)?;
        let spoke = after(&stamps.spoke, wanted)?;
        let heard = after(&passed.heard, spoke)?;
        Some(Self {
            asked,
            said,
            wanted,
            spoke,
            heard,
        })
    }
}

/// The first of these times from one on, where it came within a second.
fn after(times: &[Instant], from: Instant) -> Option<Instant> {
    let index = times.partition_point(|at| *at < from);
    times
        .get(index)
        .copied()
        .filter(|at| *at - from < Duration::from_secs(1))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

impl Measured {
    fn print(&self, kind: Kind, calls: usize) {
        println!(
            "{calls} calls, {}: {:.4} % of a core and {:.0} kB a call; {} frames; the load itself {:.0} % of a core",
            kind.name(),
            self.core,
            self.memory,
            self.frames,
            self.load
        );
        if kind == Kind::Speaking {
            println!(
                "  late frames: {} as written (the worst {:.1} ms behind), {} as heard; an idle thread beside it was late {} times \
                 (the worst {:.1} ms)",
                self.account.late, self.account.worst, self.late, self.account.stalls, self.account.stall
            );
        }
        if kind == Kind::Conversation {
            let turns = &self.turns;
            println!(
                "  {} turns, {} missed; {} connections to the model",
                turns.own.len(),
                turns.missed,
                self.connections
            );
            println!("  ms                                            p50      p99      max");
            for (what, times) in [
                ("added by the engine", &turns.own),
                ("  end of the turn to the model's request", &turns.asks),
                ("  the model's words to the voice's request", &turns.wants),
                ("  the voice's sound to the first frame", &turns.sends),
                ("the ear's lag behind the recording's label", &turns.ear),
                ("from the last speech to the first frame", &turns.whole),
                ("an interruption's pausing frame to `clear`", &turns.pauses),
                ("an interruption's ending frame to `clear`", &turns.clears),
            ] {
                let mut times = times.clone();
                times.sort_by(f64::total_cmp);
                let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
                let [p50, p99, max] = [50, 99, 100].map(|share| at(share).copied().unwrap_or(f64::NAN));
                println!("  {what:<42} {p50:>8.2} {p99:>8.2} {max:>8.2}");
            }
            println!(
                "  the calls' own facts: turn over {} ms, first sound sent {} ms after the last sound heard",
                self.account.closed, self.account.sent
            );
        }
    }
}
