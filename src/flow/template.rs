//! stub
use super::*;
use serde_json::Value as Json;
#[derive(Clone,Debug,PartialEq)]
pub struct Use { pub path: Vec<String>, pub place: Place, pub optional: bool }
#[derive(Clone,Debug,PartialEq)]
pub struct Template { uses: Vec<Use> }
#[derive(Clone,Debug,PartialEq)]
pub struct Condition { uses: Vec<Use> }
#[derive(Clone,Debug,PartialEq)]
pub struct EvalError(String);
impl std::fmt::Display for EvalError { fn fmt(&self,f:&mut std::fmt::Formatter<'_>)->std::fmt::Result{f.write_str(&self.0)} }
impl Template { pub fn uses(&self)->&[Use]{&self.uses} pub fn render(&self,_:&Json)->Result<String,EvalError>{Ok(String::new())} pub fn value(&self,_:&Json)->Result<Json,EvalError>{Ok(Json::Null)} }
impl Condition { pub fn uses(&self)->&[Use]{&self.uses} pub fn holds(&self,_:&Json)->Result<bool,EvalError>{Ok(true)} }
impl FromYaml for Template { fn from_yaml(_:&Node,_:&mut Reader)->Option<Self>{None} fn schema()->Json{Json::Null} fn expected()->&'static str{""} }
impl FromYaml for Condition { fn from_yaml(_:&Node,_:&mut Reader)->Option<Self>{None} fn schema()->Json{Json::Null} fn expected()->&'static str{""} }
