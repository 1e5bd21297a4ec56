//! What every picture of a flow shows: steps, the ways between them, and what is to be noticed about each.

/// A flow as steps and ways. Indices point into `nodes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The flow's name.
    pub flow: String,
    /// Its file, relative to the project.
    pub file: String,
    /// The flow itself first, then each flow that it runs.
    pub clusters: Vec<Cluster>,
    /// Every step, in the order of the files.
    pub nodes: Vec<Node>,
    /// Every way from a step, in the order of the steps.
    pub edges: Vec<Edge>,
    /// What is done once per call, after it, in this order.
    pub after_call: Vec<FollowUp>,
}

impl Graph {
    /// The ways that leave a step.
    pub fn leaving(&self, node: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == node)
    }
}

/// One flow file's steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The flow's name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// The step with which it begins; none where the flow does not say.
    pub entry: Option<usize>,
    /// Where failures go that no step wires itself.
    pub otherwise: Option<usize>,
}

/// A step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its full name: a step of a flow that is run carries that flow's name before a slash.
    pub name: String,
    /// Its name within its own flow file.
    pub title: String,
    /// Its kind, such as `play`.
    pub kind: String,
    /// What it says, plays, calls or runs, in short.
    pub detail: Option<String>,
    /// The line of its name, counted from 1.
    pub line: usize,
    /// Its place in `Graph::clusters`.
    pub cluster: usize,
    /// Nothing comes after it: the call, or the flow that is run, ends here.
    pub end: bool,
    /// What is to be noticed.
    pub marks: Marks,
}

/// What is to be noticed about a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// No call ever comes to it.
    pub unreachable: bool,
    /// It has an outcome that leads nowhere, or no way from it leads to an end.
    pub dead_end: bool,
    /// How often the tests came to it, where that is known.
    pub tested: Option<u64>,
    /// How often the proof came to it, where that is known.
    pub proven: Option<u64>,
}

impl Marks {
    /// The marks in words, for pictures without colour.
    pub fn words(&self) -> Vec<&'static str> {
        let all = [
            (self.unreachable, "unreachable"),
            (self.dead_end, "dead end"),
            (self.tested == Some(0), "not tested"),
            (self.proven == Some(0), "not proven"),
        ];
        all.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect()
    }

    /// Whether something that was measured never came here.
    pub fn uncovered(&self) -> bool {
        self.tested == Some(0) || self.proven == Some(0)
    }
}

/// A way from a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The step that it leaves.
    pub from: usize,
    /// The step that it comes to; none where it leads nowhere.
    pub to: Option<usize>,
    /// Why a call takes it.
    pub path: Path,
}

/// Why a call takes a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// One of these outcomes; all that lead to the same step are together. Never empty.
    Outcomes(Vec<Way>),
    /// The step's `when` does not hold, which is this condition.
    Skip(String),
    /// The step runs the flow that begins there, and comes back.
    Run,
}

/// One outcome on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The outcome's name.
    pub outcome: String,
    /// What leads it there.
    pub by: By,
    /// The engine's watchdog brings it about.
    pub watchdog: bool,
    /// How often the tests went this way, where that is known.
    pub tested: Option<u64>,
    /// How often the proof went this way, where that is known.
    pub proven: Option<u64>,
}

impl Way {
    /// Whether something that was measured never went this way.
    pub fn uncovered(&self) -> bool {
        self.tested == Some(0) || self.proven == Some(0)
    }
}

/// What leads an outcome to its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The step's own `on`.
    On,
    /// The step's `next`.
    Next,
    /// The flow's `otherwise`.
    Otherwise,
    /// Nothing: the flow does not compile.
    Nothing,
}

impl By {
    /// The key of the flow language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Next => "next",
            Self::Otherwise => "otherwise",
            Self::Nothing => "nothing",
        }
    }
}

/// How a way is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    /// A usual way.
    Plain,
    /// Every outcome goes it by the flow's `otherwise`.
    Otherwise,
    /// Every outcome on it is the watchdog's.
    Watchdog,
    /// Past a step whose `when` does not hold.
    Skip,
    /// Into a flow that is run.
    Run,
    /// To nowhere.
    Broken,
}

impl Edge {
    /// The outcomes on it.
    pub fn ways(&self) -> &[Way] {
        match &self.path {
            Path::Outcomes(ways) => ways,
            Path::Skip(_) | Path::Run => &[],
        }
    }

    /// How it is drawn.
    pub(super) fn stroke(&self) -> Stroke {
        match &self.path {
            _ if self.to.is_none() => Stroke::Broken,
            Path::Skip(_) => Stroke::Skip,
            Path::Run => Stroke::Run,
            Path::Outcomes(ways) if ways.iter().all(|way| way.watchdog) => Stroke::Watchdog,
            Path::Outcomes(ways) if ways.iter().all(|way| way.by == By::Otherwise) => Stroke::Otherwise,
            Path::Outcomes(_) => Stroke::Plain,
        }
    }

    /// Whether something that was measured went none of its outcomes.
    pub(super) fn uncovered(&self) -> bool {
        !self.ways().is_empty() && self.ways().iter().all(Way::uncovered)
    }
}

/// Something done after the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowUp {
    /// Its kind, such as `whatsapp`.
    pub kind: String,
    /// What it sends or notes, in short.
    pub detail: Option<String>,
    /// Only where this holds.
    pub when: Option<String>,
    /// Where it stands, counted from 1.
    pub line: usize,
}
