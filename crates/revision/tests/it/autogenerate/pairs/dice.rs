//! Random numbers that shrink: a zero is always the simplest choice.

/// The bytes of one thing that is made up, used one after the other.
pub(super) struct Dice<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Dice<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes: bytes.iter(),
        }
    }

    fn next(&mut self) -> usize {
        self.bytes.next().copied().unwrap_or_default().into()
    }

    /// Something that is so in `percent` of all throws; not with a zero.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.next() * 100 / 256 >= 100 - percent
    }

    /// A number below `count`, which is not zero.
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.next() % count
    }

    /// One of these.
    pub(super) fn one_of<'b, T>(&mut self, choices: &'b [T]) -> Option<&'b T> {
        let index = self.next();
        choices.get(index % choices.len().max(1))
    }

    /// Some of these, at least one, in an order of its own.
    pub(super) fn some_of<T: Clone>(&mut self, choices: &[T], most: usize) -> Vec<T> {
        let mut left = choices.to_vec();
        let count = 1 + self.below(most.max(1));
        let mut some = Vec::new();
        while some.len() < count && !left.is_empty() {
            some.push(left.remove(self.below(left.len())));
        }
        some
    }
}
