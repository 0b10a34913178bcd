use crate::error::Result; use std::path::*; use crate::job::*; use super::image::ImageEncoder;
#[derive(Debug)] pub struct PatchStore; pub struct PatchCache; pub struct Broken{pub image:usize}
impl PatchStore { pub fn get(&self,_:&[usize])->Result<tch::Tensor>{todo()} pub fn patches(&self)->i64{0} pub fn features(&self)->i64{0} }
fn todo<T>()->T{panic!()}
impl PatchCache { pub fn open(_:&Path)->Result<Self>{Ok(Self)}}
pub fn folder()->Result<PathBuf>{todo()}
pub fn image_features(_:&[PathBuf],_:&ImageEncoder,_:&mut PatchCache,_:Option<i64>,_:&mut dyn Observer<Progress>)->Result<(PatchStore,Vec<Broken>)>{todo()}
