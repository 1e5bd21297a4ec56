//! The stage of a speech-to-speech model.

use super::*;
use crate::talk::LiveOrder;
use tokio::sync::Notify;

/// Tells its signals, then fails.
struct Mind(Vec<LiveSignal>);

impl Duplex for Mind {
    fn run(
        self: Arc<Self>,
        _: Setup,
        _: mpsc::Receiver<ToModel>,
        told: mpsc::Sender<LiveSignal>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        Box::pin(async move {
            for signal in &self.0 {
                let _taken = told.send(signal.clone()).await;
            }
            Err(broken())
        })
    }
}

#[tokio::test]
async fn another_model_takes_over_only_where_the_first_has_said_nothing() {
    let sound = LiveSignal::Sound {
        response: "r".into(),
        item: "i".into(),
        ulaw: Bytes::from_static(&[1]),
    };
    let staff = Staff {
        live: vec![
            named::<dyn Duplex>("a", Arc::new(Mind(vec![LiveSignal::Ready]))),
            named::<dyn Duplex>("b", Arc::new(Mind(vec![LiveSignal::Ready, sound.clone()]))),
            named::<dyn Duplex>("c", Arc::new(Mind(vec![]))),
        ],
        ..Staff::default()
    };
    let mut crew = begin(&staff, "");
    let mut served = Vec::new();
    for expected in [LiveSignal::Ready, LiveSignal::Ready, sound] {
        assert_eq!(next(&mut crew, &mut served).await, Signal::Live(expected));
    }
    let failed = next(&mut crew, &mut served).await;
    assert!(
        matches!(failed, Signal::Failed { stage: Stage::Live, .. }),
        "{failed:?}"
    );
    assert_eq!(served, ["a", "b for a"]);
}

/// Takes nothing until it is woken, then waits for an order and tells that it came; or ends by itself.
struct Sleeper {
    wake: Arc<Notify>,
    ends: bool,
}

impl Duplex for Sleeper {
    fn run(
        self: Arc<Self>,
        _: Setup,
        mut orders: mpsc::Receiver<ToModel>,
        told: mpsc::Sender<LiveSignal>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        Box::pin(async move {
            if self.ends {
                return Ok(());
            }
            self.wake.notified().await;
            while let Some(order) = orders.recv().await {
                if matches!(order, ToModel::Order(_)) {
                    let _taken = told.send(LiveSignal::Ready).await;
                }
            }
            Ok(())
        })
    }
}

fn sleeper(ends: bool) -> (Crew, Arc<Notify>) {
    let wake = Arc::new(Notify::new());
    let model = Sleeper {
        wake: Arc::clone(&wake),
        ends,
    };
    let staff = Staff {
        live: vec![named::<dyn Duplex>("a", Arc::new(model))],
        ..Staff::default()
    };
    (begin(&staff, ""), wake)
}

#[tokio::test]
async fn sound_gives_way_to_orders_where_a_model_takes_nothing() {
    let (mut crew, wake) = sleeper(false);
    for _ in 0..4 * SOUND {
        crew.services.hear(&[0; 160]);
        tokio::task::yield_now().await;
    }
    for _ in 0..3 {
        crew.services.order(Order::Live(LiveOrder::Cancel));
    }
    wake.notify_one();
    for _ in 0..3 {
        assert_eq!(next(&mut crew, &mut Vec::new()).await, Signal::Live(LiveSignal::Ready));
    }
}

#[tokio::test]
async fn an_order_that_a_model_does_not_take_is_a_failure() {
    let (mut crew, _wake) = sleeper(false);
    for _ in 0..4 * SOUND {
        crew.services.order(Order::Live(LiveOrder::Cancel));
        tokio::task::yield_now().await;
    }
    let failed = next(&mut crew, &mut Vec::new()).await;
    assert!(has_failed(&failed, Stage::Live, 0), "{failed:?}");
}

#[tokio::test]
async fn a_model_that_ends_by_itself_has_failed() {
    let (mut crew, _wake) = sleeper(true);
    let failed = next(&mut crew, &mut Vec::new()).await;
    assert!(has_failed(&failed, Stage::Live, 0), "{failed:?}");
}
