//! Actions.

use super::*;

/// Says what it did, or breaks down at once or later.
struct Clerk;

impl Doer for Clerk {
    fn act(&self, call: &ActionCall) -> BoxFuture<'static, Result<String, String>> {
        let name = call.name.to_string();
        assert!(name != "faulty", "a fault of the program");
        Box::pin(async move {
            assert!(name != "faulty later", "a fault of the program");
            if name == "slow" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(name)
        })
    }
}

#[tokio::test]
async fn actions_run_side_by_side_and_each_is_answered() {
    let staff = Staff {
        doer: Some(Arc::new(Clerk)),
        ..Staff::default()
    };
    let mut crew = begin(&staff, "");
    for name in ["slow", "quick"] {
        let call = ActionCall {
            id: name.into(),
            name: name.into(),
            arguments: "{}".into(),
        };
        crew.services.order(Order::Act { generation: 1, call });
    }
    for name in ["quick", "slow"] {
        let acted = Signal::Acted {
            generation: 1,
            id: name.into(),
            result: Ok(name.to_owned()),
        };
        assert_eq!(next(&mut crew, &mut Vec::new()).await, acted);
    }
}

#[tokio::test]
async fn an_action_that_breaks_down_has_failed_and_others_go_on() {
    let staff = Staff {
        doer: Some(Arc::new(Clerk)),
        ..Staff::default()
    };
    let mut crew = begin(&staff, "");
    for name in ["faulty", "faulty later", "quick"] {
        let call = ActionCall {
            id: name.into(),
            name: name.into(),
            arguments: "{}".into(),
        };
        crew.services.order(Order::Act { generation: 3, call });
    }
    let mut failed = Vec::new();
    for _ in 0..3 {
        match next(&mut crew, &mut Vec::new()).await {
            Signal::Acted {
                generation: 3,
                id,
                result,
            } => failed.push((id.to_string(), result.is_err())),
            other => panic!("{other:?}"),
        }
    }
    failed.sort();
    let expected = [("faulty", true), ("faulty later", true), ("quick", false)];
    assert_eq!(failed, expected.map(|(id, is_err)| (id.to_owned(), is_err)));
}
