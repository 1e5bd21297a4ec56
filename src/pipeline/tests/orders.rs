//! Orders that nobody takes.

use super::*;

#[tokio::test]
async fn an_order_that_is_lost_is_told_as_what_it_was() {
    let mut crew = begin(&Staff::default(), "");
    let call = ActionCall {
        id: "c".into(),
        name: "book".into(),
        arguments: "{}".into(),
    };
    let messages = Arc::new([Message::Caller("hello".into())]);
    crew.services.order(Order::Cancel { generation: 8 });
    crew.services.order(Order::Think {
        generation: 9,
        messages,
    });
    crew.services.order(Order::Say {
        generation: 9,
        piece: 0,
        text: "words".into(),
    });
    crew.services.order(Order::Act { generation: 9, call });
    for stage in [Stage::Think, Stage::Speak] {
        let failed = next(&mut crew, &mut Vec::new()).await;
        assert!(has_failed(&failed, stage, 9), "{failed:?}");
    }
    let acted = next(&mut crew, &mut Vec::new()).await;
    assert!(
        matches!(&acted, Signal::Acted { generation: 9, id, result: Err(_) } if &**id == "c"),
        "{acted:?}"
    );
}

#[tokio::test]
async fn a_stage_that_breaks_down_has_failed_for_what_was_under_way() {
    let under_way = Arc::new(UnderWay::default());
    under_way.note(Stage::Speak, 6);
    let (signals, mut told) = mpsc::channel(4);
    let work = async { panic!("a fault of the program") };
    guard::watched(Stage::Speak, work, under_way, signals).await;
    let failed = told.recv().await.expect("it is told");
    assert!(has_failed(&failed, Stage::Speak, 6), "{failed:?}");
}
