//! The model that follows a script.

use super::{said, service, think, wished};
use engine::providers::think::{Request, thinker};
use engine::talk::{ActionCall, Message};
use serde_json::{Value, json};

fn rules() -> Value {
    json!({
        "answers": [
            {"turn": 0, "say": "Welcome."},
            {"words": ["book", "table"], "say": "One moment.", "action": {"name": "book", "arguments": {"day": 1}}, "then": "It is {result}."},
            {"hears": "תור למחר", "say": "יש תור."},
            {"turn": 2, "say": "Second."},
            {"words": "bye", "action": "hang_up"},
        ],
        "otherwise": "Pardon?",
    })
}

fn request(messages: Vec<Message>) -> Request {
    Request {
        messages: messages.into(),
        tools: [].into(),
    }
}

#[tokio::test]
async fn the_first_rule_that_fits_is_followed_word_by_word() {
    let service = service("scripted", None, rules());
    let caller = |text: &str| Message::Caller(text.into());
    let cases = [
        (vec![], "Welcome.", None),
        (
            vec![caller("A TABLE, I'd like to bóok")],
            "One moment.",
            Some(("call_1_0", "book", "{\"day\":1}")),
        ),
        (vec![caller("table")], "Pardon?", None),
        (vec![caller("אפשר תוֹר לְמחר?")], "יש תור.", None),
        (vec![caller("x"), caller("y")], "Second.", None),
        (vec![caller("good bye")], "", Some(("call_1_0", "hang_up", "{}"))),
    ];
    for (messages, words, wish) in cases {
        let (thoughts, ended) = think(&service, request(messages)).await;
        ended.expect("no error");
        assert_eq!(said(&thoughts), words);
        let wish = wish.map(|(id, name, arguments)| (id.to_owned(), name.to_owned(), arguments.to_owned()));
        assert_eq!(wished(&thoughts), Vec::from_iter(wish));
        assert_eq!(
            thoughts.len(),
            words.split_whitespace().count() + wished(&thoughts).len()
        );
    }
}

#[tokio::test]
async fn an_action_is_wished_once_and_what_came_of_it_is_said() {
    let service = service("scripted", None, rules());
    let call = ActionCall {
        id: "call_1_0".into(),
        name: "book".into(),
        arguments: "{}".into(),
    };
    let messages = vec![
        Message::Caller("book a table".into()),
        Message::Agent {
            text: "One moment.".into(),
            calls: vec![call],
        },
        Message::Result {
            id: "call_1_0".into(),
            text: "done".into(),
        },
    ];
    let (thoughts, ended) = think(&service, request(messages)).await;
    ended.expect("no error");
    assert_eq!((said(&thoughts).as_str(), wished(&thoughts)), ("It is done.", vec![]));
}

#[tokio::test]
async fn a_script_that_cannot_be_followed_is_told_at_once() {
    let cases = [
        (json!({}), "`otherwise`"),
        (json!({"answers": {}}), "list"),
        (json!({"answers": [{"sya": "x"}], "otherwise": "x"}), "`sya`"),
        (json!({"answers": [{"words": ["x"]}], "otherwise": "x"}), "`say`"),
        (
            json!({"answers": [{"words": [], "say": "x"}], "otherwise": "x"}),
            "`words`",
        ),
        (
            json!({"answers": [{"turn": "x", "say": "x"}], "otherwise": "x"}),
            "`turn`",
        ),
        (json!({"answers": [{"action": {}}], "otherwise": "x"}), "`name`"),
    ];
    for (options, part) in cases {
        let refused = thinker(&service("scripted", None, options))
            .err()
            .expect("refused")
            .to_string();
        assert!(refused.contains(part), "{refused}");
    }
    assert!(thinker(&service("scripted", None, json!({"answers": [{"say": "Always."}]}))).is_ok());
}
