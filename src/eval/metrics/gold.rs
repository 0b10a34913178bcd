//! The gold of a query.

use std::collections::HashSet;

use crate::data::Class;
use crate::types::EntityId;

/// Returns the entities that a query should find: the members of its class without the seeds.
pub fn gold(class: &Class, seeds: &[EntityId]) -> HashSet<EntityId> {
    let members = class.members.iter().copied();
    members.filter(|member| !seeds.contains(member)).collect()
}
