//! What a model writes for the eye, made fit for the ear: no markdown, no bullets, no emojis, of links their words.

/// These words as they can be spoken; none where nothing of them can.
pub(super) fn speakable(text: &str) -> Option<String> {
    let mut spoken = String::with_capacity(text.len());
    for line in text.lines() {
        let line = without_bullet(line.trim_start());
        spoken.push_str(&without_signs(&with_plain_links(line)));
        spoken.push(' ');
    }
    let spoken = spoken.split_whitespace().collect::<Vec<_>>().join(" ");
    spoken.chars().any(char::is_alphanumeric).then_some(spoken)
}

/// Without the signs that begin a heading, a quotation or an item of a list.
fn without_bullet(line: &str) -> &str {
    let rest = line.trim_start_matches(['#', '>']).trim_start();
    for bullet in ["- ", "* ", "+ ", "• ", "– ", "▪ ", "● "] {
        if let Some(item) = rest.strip_prefix(bullet) {
            return item.trim_start();
        }
    }
    rest
}

/// Links as their words, or as the name of their host.
fn with_plain_links(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find('[') {
        let Some((words, target_end)) = link(&rest[open..]) else {
            plain.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        plain.push_str(rest[..open].trim_end_matches('!'));
        plain.push_str(words);
        rest = &rest[open + target_end..];
    }
    plain.push_str(rest);
    let words = plain.split(' ').map(|word| match host(word) {
        Some(host) => host,
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The words of `[words](target)` and where it ends.
fn link(text: &str) -> Option<(&str, usize)> {
    let close = text.find("](")?;
    let words = text.get(1..close).filter(|words| !words.contains('['))?;
    let end = text[close..].find(')')?;
    Some((words, close + end + 1))
}

fn host(word: &str) -> Option<String> {
    let start = word.find("https://").or_else(|| word.find("http://"))?;
    let address = word[start..].split_once("//")?.1;
    let name = address.split(['/', '?', '#', ')', '>', ',']).next()?;
    let end = match word.chars().next_back() {
        Some(end @ ('.' | '?' | '!' | ',')) => end.to_string(),
        _ => String::new(),
    };
    let name = name.trim_start_matches("www.").trim_end_matches(['.', '?', '!']);
    Some(format!("{}{name}{end}", word[..start].trim_start_matches(['<', '('])))
}

fn without_signs(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let between =
            kept.ends_with(char::is_alphanumeric) && letters.peek().is_some_and(|next| next.is_alphanumeric());
        match letter {
            '*' | '_' | '~' if between => kept.push(' '),
            '*' | '_' | '~' | '`' => {}
            '|' => kept.push_str(", "),
            letter if is_picture(letter) => {}
            letter => kept.push(letter),
        }
    }
    kept
}

/// Emojis and what changes their look.
fn is_picture(letter: char) -> bool {
    matches!(u32::from(letter),
        0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2190..=0x21FF | 0x2300..=0x23FF | 0x2B00..=0x2BFF
        | 0xFE00..=0xFE0F | 0x200D | 0x20E3 | 0xE0000..=0xE007F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_the_eye_does_not_reach_the_ear() {
        let cases = [
            ("**Sure!** Here is _one_ `thing`.", "Sure! Here is one thing."),
            ("## Prices", "Prices"),
            ("- first\n* second\n• third", "first second third"),
            ("Great 😀👍🏽 choice ☎️.", "Great choice ."),
            ("See [our page](https://x.example/a?b=c) now", "See our page now"),
            ("Go to https://www.example.com/long/path?x=1.", "Go to example.com."),
            ("![a map](http://x.example/map.png)", "a map"),
            ("snake_case and 3*4", "snake case and 3 4"),
            ("| a | b |", ", a , b ,"),
            ("שלום **עולם**", "שלום עולם"),
            ("a [b c", "a [b c"),
        ];
        for (text, expected) in cases {
            assert_eq!(speakable(text).as_deref(), Some(expected), "{text}");
        }
        for nothing in ["", "***", "😀", "---", "```", "…", "\n"] {
            assert_eq!(speakable(nothing), None, "{nothing}");
        }
    }
}
