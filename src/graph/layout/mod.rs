//! Boxes and links on layers: where each box stands, and through which points each link goes around the others.
//!
//! Links that lead to the same box in the same group share their way from where they meet. A label is as much of an
//! obstacle as a box, so nothing that is drawn here lies on anything else.

mod net;
mod order;
mod place;

use net::Net;
#[cfg(test)]
use place::spread;

/// A box, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Item {
    pub width: f64,
    pub height: f64,
    /// Room to keep free on both sides.
    pub margin: f64,
}

/// A link between two different boxes, with the size of its label.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Link {
    pub from: usize,
    pub to: usize,
    /// Links of the same group may share their way.
    pub group: u8,
    /// Width and height; zero for none.
    pub label: (f64, f64),
}

/// What came of it. The left upper corner of everything is at 0, 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layout {
    /// Where each box's left upper corner is.
    pub items: Vec<(f64, f64)>,
    /// Where each box's layer ends; nothing but links lies right below.
    pub floors: Vec<f64>,
    /// The way of each link.
    pub tracks: Vec<Track>,
    pub width: f64,
    pub height: f64,
}

/// The way of a link, from the box it leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Track {
    /// Upright pieces, in the order of the way; between them the link bends.
    pub posts: Vec<Post>,
    /// The middle of the label.
    pub label: Option<(f64, f64)>,
    /// Whether it reaches its box by itself; else it ends where it meets another link's way.
    pub arrives: bool,
}

/// An upright piece of a link: from one height to another, at one distance from the left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Post {
    pub x: f64,
    pub from: f64,
    pub to: f64,
}

/// Lays out the boxes; the first is where reading begins.
pub(super) fn layout(items: &[Item], links: &[Link]) -> Layout {
    let mut net = Net::new(items, links);
    order::order(&mut net);
    place::place(&net, items, links)
}

#[cfg(test)]
mod tests;
