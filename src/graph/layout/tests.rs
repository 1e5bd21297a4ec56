//! Random graphs: nothing lies on anything else, and every link reaches its box.

use super::net::Net;
use super::order::{crossings, order};
use super::*;
use proptest::prelude::*;

fn graphs() -> impl Strategy<Value = (Vec<Item>, Vec<Link>)> {
    (1usize..24).prop_flat_map(|count| {
        let item = (20.0..260.0, 16.0..90.0, 0.0..40.0);
        let items = prop::collection::vec(item, count);
        let links = prop::collection::vec((0..count, 0..count, 0u8..3, 0.0..120.0), 0..count * 2);
        (items, links).prop_map(|(items, links)| {
            let item = |(width, height, margin)| Item { width, height, margin };
            let link = |(from, to, group, width)| Link {
                from,
                to,
                group,
                label: if width < 20.0 { (0.0, 0.0) } else { (width, 14.0) },
            };
            let links = links
                .into_iter()
                .filter(|(from, to, _, _)| from != to)
                .map(link)
                .collect();
            (items.into_iter().map(item).collect(), links)
        })
    })
}

/// Left, top, right, bottom.
type Rect = (f64, f64, f64, f64);

fn apart(one: Rect, other: Rect) -> bool {
    let slack = 0.01;
    one.2 <= other.0 + slack || other.2 <= one.0 + slack || one.3 <= other.1 + slack || other.3 <= one.1 + slack
}

proptest! {
    #[test]
    fn nothing_lies_on_anything_else((items, links) in graphs()) {
        let layout = layout(&items, &links);
        let mut rects: Vec<Rect> = Vec::new();
        for (item, (x, y)) in items.iter().zip(&layout.items) {
            rects.push((x - item.margin, *y, x + item.width + item.margin, y + item.height));
        }
        for (link, track) in links.iter().zip(&layout.tracks) {
            if let Some((x, y)) = track.label {
                let (width, height) = link.label;
                rects.push((x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0));
            }
        }
        for (index, one) in rects.iter().enumerate() {
            prop_assert!(one.0 > -0.01 && one.1 > -0.01 && one.2 < layout.width + 0.01 && one.3 < layout.height + 0.01);
            for other in &rects[index + 1..] {
                prop_assert!(apart(*one, *other), "{one:?} {other:?}");
            }
        }
        // Upright pieces of links pass beside the boxes.
        for (link, track) in links.iter().zip(&layout.tracks) {
            for post in &track.posts {
                let upright = (post.x, post.from.min(post.to), post.x, post.from.max(post.to));
                for (index, rect) in rects.iter().take(items.len()).enumerate() {
                    prop_assert!(index == link.from || index == link.to || apart(upright, *rect));
                }
            }
        }
    }

    #[test]
    fn every_link_begins_at_its_box_and_somebody_arrives((items, links) in graphs()) {
        let layout = layout(&items, &links);
        for (link, track) in links.iter().zip(&layout.tracks) {
            let (x, y) = layout.items[link.from];
            let first = track.posts[0];
            prop_assert!(first.x > x - 0.01 && first.x < x + items[link.from].width + 0.01);
            prop_assert!((first.from - y).abs() < 0.01 || (first.from - y - items[link.from].height).abs() < 0.01);
            let arrived = links.iter().zip(&layout.tracks).any(|(other, track)| {
                (other.to, other.group) == (link.to, link.group) && track.arrives
            });
            prop_assert!(arrived);
        }
    }

    #[test]
    fn ordering_never_adds_crossings((items, links) in graphs()) {
        let mut net = Net::new(&items, &links);
        let before = crossings(&net);
        order(&mut net);
        prop_assert!(crossings(&net) <= before);
    }

    #[test]
    fn gaps_are_kept(wanted in prop::collection::vec(-500.0..500.0f64, 1..30), gap in 0.0..60.0f64) {
        let gaps = vec![gap; wanted.len() - 1];
        let places = spread(&wanted, &vec![1.0; wanted.len()], &gaps);
        prop_assert_eq!(places.len(), wanted.len());
        for pair in places.windows(2) {
            prop_assert!(pair[1] - pair[0] >= gap - 1e-6);
        }
    }
}

#[test]
fn places_that_already_keep_their_gaps_stay() {
    assert_eq!(spread(&[0.0, 10.0, 30.0], &[1.0; 3], &[10.0, 5.0]), [0.0, 10.0, 30.0]);
    assert_eq!(spread(&[5.0, 5.0], &[1.0, 1.0], &[10.0]), [0.0, 10.0]);
    assert_eq!(spread(&[5.0, 5.0], &[3.0, 1.0], &[8.0]), [3.0, 11.0]);
}

#[test]
fn two_links_that_need_not_cross_do_not() {
    let items = [Item {
        width: 10.0,
        height: 10.0,
        margin: 0.0,
    }; 5];
    let link = |from, to| Link {
        from,
        to,
        ..Link::default()
    };
    let mut net = Net::new(&items, &[link(0, 1), link(0, 2), link(1, 4), link(2, 3)]);
    order(&mut net);
    assert_eq!(crossings(&net), 0);
}
