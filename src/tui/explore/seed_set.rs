//! The seeds of an expansion, and the query that they come from.

use crate::engine::protocol::Catalogue;
use crate::types::{ClassId, EntityId, SeedCount};

/// The seeds that an expansion starts from, and the query that they were taken from.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedSet {
    pub seeds: Vec<EntityId>,
    /// Candidates that the user accepted: they count as seeds.
    pub accepted: Vec<EntityId>,
    pub rejected: Vec<EntityId>,
    /// The class that was opened; `None` if the seeds are free.
    pub class: Option<ClassId>,
    pub count: SeedCount,
    /// The number of the class's query that the seeds were taken from, from 0.
    pub number: Option<usize>,
}

impl Default for SeedSet {
    fn default() -> Self {
        SeedSet {
            seeds: Vec::new(),
            accepted: Vec::new(),
            rejected: Vec::new(),
            class: None,
            count: SeedCount::Three,
            number: None,
        }
    }
}

impl SeedSet {
    /// Returns the seeds of a class's query: of the one with this number, or of the last one. If
    /// the class has no query with this many seeds, the other count is taken; if it has no query at
    /// all, the set is empty.
    pub fn from_query(
        catalogue: &Catalogue,
        class: ClassId,
        count: SeedCount,
        number: usize,
    ) -> SeedSet {
        let found = [count, count.other()]
            .into_iter()
            .find(|&c| catalogue.queries_of(class, c).next().is_some());
        let count = found.unwrap_or(count);
        let last = catalogue.queries_of(class, count).count().saturating_sub(1);
        let query = catalogue.queries_of(class, count).nth(number.min(last));
        SeedSet {
            seeds: query.map(|q| q.seeds.clone()).unwrap_or_default(),
            accepted: Vec::new(),
            rejected: Vec::new(),
            class: Some(class),
            count,
            number: query.map(|q| q.number),
        }
    }

    /// Returns the seeds, then the accepted candidates.
    pub fn members(&self) -> Vec<EntityId> {
        self.seeds.iter().chain(&self.accepted).copied().collect()
    }

    /// Adds a seed that is neither accepted nor rejected any more.
    pub fn add_seed(&mut self, entity: EntityId) {
        self.forget_judgement(entity);
        self.seeds.push(entity);
    }

    /// Accepts a candidate, which may have been rejected before.
    pub fn accept(&mut self, entity: EntityId) {
        self.forget_judgement(entity);
        self.accepted.push(entity);
    }

    /// Rejects a candidate, which may have been accepted before.
    pub fn reject(&mut self, entity: EntityId) {
        self.forget_judgement(entity);
        self.rejected.push(entity);
    }

    fn forget_judgement(&mut self, entity: EntityId) {
        self.accepted.retain(|&accepted| accepted != entity);
        self.rejected.retain(|&rejected| rejected != entity);
    }

    /// Removes the seed or the accepted candidate at a position of [`SeedSet::members`].
    pub fn remove_member(&mut self, position: usize) {
        if position < self.seeds.len() {
            self.seeds.remove(position);
        } else if position < self.seeds.len() + self.accepted.len() {
            self.accepted.remove(position - self.seeds.len());
        }
    }

    /// Returns whether the seeds still are those of the query in the data set.
    pub fn is_query(&self, catalogue: &Catalogue) -> bool {
        let (Some(class), Some(number)) = (self.class, self.number) else {
            return false;
        };
        self.accepted.is_empty()
            && self.rejected.is_empty()
            && catalogue
                .queries_of(class, self.count)
                .any(|q| q.number == number && q.seeds == self.seeds)
    }

    /// Returns the class whose members are gold: the one that was opened, else the only class that
    /// all seeds share.
    pub fn gold_class(&self, catalogue: &Catalogue) -> Option<ClassId> {
        if self.class.is_some() {
            return self.class;
        }
        let mut shared = catalogue.entity(*self.seeds.first()?)?.classes.clone();
        shared.retain(|c| {
            self.seeds
                .iter()
                .all(|&s| catalogue.entity(s).is_some_and(|e| e.classes.contains(c)))
        });
        if let [only] = shared[..] {
            Some(only)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::explore::test_catalogue::catalogue;

    #[test]
    fn a_class_without_queries_of_one_count_takes_the_other() {
        let set = SeedSet::from_query(&catalogue(), ClassId(0), SeedCount::Three, 4);
        assert_eq!(
            (set.count, set.number, set.seeds.len()),
            (SeedCount::Five, Some(0), 2)
        );
        let none = SeedSet::from_query(&catalogue(), ClassId(2), SeedCount::Three, 0);
        assert_eq!(
            (none.class, none.number, none.seeds.len()),
            (Some(ClassId(2)), None, 0)
        );
    }

    #[test]
    fn an_entity_is_in_one_list_only() {
        let mut set = SeedSet::default();
        set.add_seed(EntityId(0));
        set.accept(EntityId(1));
        set.reject(EntityId(1));
        set.accept(EntityId(2));
        assert_eq!(set.members(), [EntityId(0), EntityId(2)]);
        assert_eq!(set.rejected, [EntityId(1)]);
        set.accept(EntityId(1));
        assert!(set.rejected.is_empty());
        set.remove_member(1);
        assert_eq!(set.members(), [EntityId(0), EntityId(1)]);
        set.add_seed(EntityId(1));
        assert_eq!(set.seeds, [EntityId(0), EntityId(1)]);
        assert!(set.accepted.is_empty());
        set.remove_member(2);
        set.remove_member(0);
        assert_eq!(set.members(), [EntityId(1)]);
    }

    #[test]
    fn free_seeds_find_the_class_they_share() {
        let free = |seeds: &[u32]| SeedSet {
            seeds: seeds.iter().map(|&s| EntityId(s)).collect(),
            ..SeedSet::default()
        };
        assert_eq!(free(&[0, 1]).gold_class(&catalogue()), Some(ClassId(0)));
        assert_eq!(
            free(&[1]).gold_class(&catalogue()),
            None,
            "two classes are possible"
        );
        assert_eq!(free(&[0, 2]).gold_class(&catalogue()), None);
    }
}
