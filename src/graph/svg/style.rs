//! The drawing's frame: its size, its looks on light and dark pages, its arrows.

use super::write::escaped;
use crate::graph::model::Graph;
use std::fmt::Write;

/// How things look, in the colours of a light page.
const LIGHT: &str = "
.page{fill:#ffffff}
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:11px;fill:#1f2937}
.node text,.tag,.label{text-anchor:middle}
.flow{font-size:16px;font-weight:700}
.file,.legend{font-size:11px;fill:#4b5563}
.name{font-size:13px;font-weight:700}
.tag{font-size:10.5px;font-weight:700}
.label{font-size:11px;fill:#374151}
.box{fill:#f1f5f9;stroke:#475569;stroke-width:1.3}
.end .box{fill:#e2e8f0;stroke-width:1.8}
.inner{fill:none;stroke:#475569}
.unreachable .box{fill:#f3f4f6;stroke:#6b7280;stroke-dasharray:7 4}
.dead_end .box{fill:#fee2e2;stroke:#b91c1c;stroke-width:3}
.uncovered .box{fill:#fef3c7;stroke:#b45309;stroke-width:1.8;stroke-dasharray:2 3}
.dead_end .tag{fill:#991b1b}
.uncovered .tag{fill:#92400e}
.start{fill:#334155}
.node .start-text{fill:#ffffff;font-weight:700}
.lost{fill:#b91c1c}
.node .lost-text{fill:#ffffff;font-weight:700}
.frame{fill:none;stroke:#94a3b8;stroke-width:1.2}
.frame-title{font-size:12px;font-weight:700;fill:#4b5563}
.way{fill:none;stroke:#475569;stroke-width:1.4}
.way.otherwise{stroke:#9ca3af}
.way.watchdog{stroke:#b45309;stroke-dasharray:10 4}
.way.skip{stroke-dasharray:2 4;stroke-width:1.7}
.way.run{stroke:#2563eb;stroke-width:2.2}
.way.broken{stroke:#b91c1c;stroke-width:2.4}
.way.untested{stroke:#b45309;stroke-dasharray:5 3 1 3}
.head-plain,.head-skip{fill:#475569}.head-otherwise{fill:#9ca3af}.head-watchdog,.head-untested{fill:#b45309}.head-run{fill:#2563eb}.head-broken{fill:#b91c1c}
";

/// What is different on a dark page.
const DARK: &str = "
@media (prefers-color-scheme: dark){
.page{fill:#0d1117}
text{fill:#e5e7eb}
.file,.legend,.frame-title{fill:#9ca3af}
.label{fill:#cbd5e1}
.box{fill:#1e293b;stroke:#94a3b8}
.end .box{fill:#334155}
.inner{stroke:#94a3b8}
.unreachable .box{fill:#1f2937;stroke:#9ca3af}
.dead_end .box{fill:#450a0a;stroke:#f87171}
.uncovered .box{fill:#422006;stroke:#fbbf24}
.dead_end .tag{fill:#fca5a5}
.uncovered .tag{fill:#fcd34d}
.start{fill:#cbd5e1}
.node .start-text{fill:#0f172a}
.frame{stroke:#475569}
.way{stroke:#94a3b8}
.way.otherwise{stroke:#5b6675}
.way.watchdog,.way.untested{stroke:#fbbf24}
.way.run{stroke:#60a5fa}
.way.broken{stroke:#f87171}
.head-plain,.head-skip{fill:#94a3b8}.head-otherwise{fill:#5b6675}.head-watchdog,.head-untested{fill:#fbbf24}.head-run{fill:#60a5fa}.head-broken{fill:#f87171}
}
";

/// The classes of ways, each with an arrow of its own.
const STROKES: [&str; 7] = ["plain", "otherwise", "watchdog", "skip", "run", "broken", "untested"];

/// The whole document around what was drawn.
pub(super) fn document(graph: &Graph, width: f64, height: f64, drawn: &str) -> String {
    let (width, height) = (width.ceil(), height.ceil());
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"
    );
    let _ = writeln!(out, "<title>{}</title>", escaped(&format!("The flow {}", graph.flow)));
    let _ = writeln!(out, "<style>{LIGHT}{DARK}</style>\n<defs>");
    for stroke in STROKES {
        let _ = writeln!(
            out,
            "<marker id=\"arrow-{stroke}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"head-{stroke}\" d=\"M0,0.5 L10,5 L0,9.5 L2.5,5 z\"/></marker>"
        );
    }
    let _ = writeln!(
        out,
        "</defs>\n<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>"
    );
    out.push_str(drawn);
    out.push_str("</svg>\n");
    out
}
