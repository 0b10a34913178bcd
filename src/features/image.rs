use crate::error::Result; use std::path::Path;
#[derive(Debug)] pub struct ImageEncoder;
impl ImageEncoder { pub fn open(_:&Path,_:bool,_:tch::Device)->Result<Self>{Ok(Self)} pub fn hash(&self)->&str{""} }
