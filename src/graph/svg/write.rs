//! SVG elements as text; whatever stands between them is escaped here and nowhere else.

use std::fmt::Write;

/// What has been written so far.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: String,
}

impl Writer {
    pub fn text(&self) -> &str {
        &self.out
    }

    /// Elements that belong together.
    pub fn open(&mut self, class: &str) {
        let _ = writeln!(self.out, "<g class=\"{class}\">");
    }

    pub fn close(&mut self) {
        self.out.push_str("</g>\n");
    }

    /// What a pointer over the elements shows, and a screen reader reads.
    pub fn title(&mut self, text: &str) {
        let _ = writeln!(self.out, "<title>{}</title>", escaped(text));
    }

    pub fn text_at(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let _ = writeln!(
            self.out,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escaped(text)
        );
    }

    pub fn rect(&mut self, class: &str, (x, y, width, height): (f64, f64, f64, f64), round: f64) {
        let _ = writeln!(
            self.out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"/>"
        );
    }

    pub fn polygon(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(self.out, "<polygon class=\"{class}\" points=\"{}\"/>", points.join(" "));
    }

    /// A line of straight pieces with an arrow at its end.
    pub fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            self.out,
            "<polyline class=\"way {class}\" points=\"{}\" marker-end=\"url(#arrow-{class})\"/>",
            points.join(" ")
        );
    }

    /// A line along a path, with an arrow at its end where it arrives.
    pub fn path(&mut self, class: &str, path: &str, arrives: bool) {
        let arrow = if arrives {
            format!(" marker-end=\"url(#arrow-{class})\"")
        } else {
            String::new()
        };
        let _ = writeln!(self.out, "<path class=\"way {class}\" d=\"{path}\"{arrow}/>");
    }
}

/// Text between elements. Characters that XML does not know are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// How wide a text is at a size of one pixel: an estimate that common fonts stay within.
pub(super) fn width(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{200b}'..='\u{200f}' | '\u{2066}'..='\u{2069}' => 0.0,
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.34,
            'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '/' | '-' => 0.41,
            'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 0.98,
            'A'..='Z' | '+' | '=' | '<' | '>' | '#' | '~' | '×' => 0.78,
            '\0'..='\u{2fff}' | '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => 0.63,
            _ => 1.1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(
            escaped("<a b=\"1\"> & \u{1}\u{ffff}'"),
            "&lt;a b=&quot;1&quot;&gt; &amp; '"
        );
    }

    #[test]
    fn wider_texts_are_wider() {
        assert!(width("illi") < width("mama"));
        assert!(width("שלום") > 0.0);
        assert!((width("\u{2068}a\u{2069}") - width("a")).abs() < 1e-9);
    }
}
