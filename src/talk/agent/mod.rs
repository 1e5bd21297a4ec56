//! stand-in
pub mod parameters;
pub mod plan;
mod words;
pub use parameters::{Parameter, ParameterKind, Parameters};
pub use plan::*;
pub struct Conversation;
impl Conversation {
    pub fn new(_: std::sync::Arc<Plan>, _: &[crate::talk::Clip], _: String) -> Result<Self, PlanError> {
        Ok(Self)
    }
}
impl crate::talk::Talk for Conversation {
    fn handle(&mut self, _: u64, _: crate::talk::Input<'_>, _: &mut Vec<crate::talk::Output>) {}
    fn deadline(&self) -> Option<u64> {
        None
    }
}
