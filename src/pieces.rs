//! A list that grows without moving what it holds: copying all peers takes time, and twice the room while it lasts.

use std::ops::{Index, IndexMut};

/// A list in pieces of one size.
#[derive(Clone, Debug)]
pub struct Pieces<T> {
    pieces: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Pieces { pieces: Vec::new(), len: 0 }
    }
}

impl<T> Pieces<T> {
    /// Items in a piece. It is so large that the system gives memory for it alone, and takes that back when the piece goes;
    /// what is not used of it yet costs nothing.
    const PIECE: usize = 1 << ((4 << 20) / size_of::<T>()).ilog2();

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The item at a place; `None` if there is none.
    #[inline]
    pub fn get(&self, at: usize) -> Option<&T> {
        self.pieces.get(at / Self::PIECE)?.get(at % Self::PIECE)
    }

    /// All items of the pieces that were not given back.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }

    /// In which piece the item at a place is.
    pub fn piece_of(at: usize) -> usize {
        at / Self::PIECE
    }

    /// Gives back the memory of a piece, whose items are not asked for any more.
    pub fn give_back(&mut self, piece: usize) {
        if let Some(piece) = self.pieces.get_mut(piece) {
            *piece = Vec::new();
        }
    }

    /// Adds an item.
    pub fn push(&mut self, item: T) {
        match self.pieces.last_mut().filter(|piece| piece.len() < Self::PIECE) {
            Some(piece) => piece.push(item),
            None => {
                let mut piece = Vec::with_capacity(Self::PIECE);
                piece.push(item);
                self.pieces.push(piece);
            }
        }
        self.len += 1;
    }
}

impl<T> Index<usize> for Pieces<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        &self.pieces[at / Pieces::<T>::PIECE][at % Pieces::<T>::PIECE]
    }
}

impl<T> IndexMut<usize> for Pieces<T> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.pieces[at / Pieces::<T>::PIECE][at % Pieces::<T>::PIECE]
    }
}
