//! From a node of the tree to the ones below.

use thin_vec::ThinVec;

/// The nodes below one, by the first byte of their labels. Most nodes have
/// none or a few; one with many has a table, so that finding stays one step.
/// All are in the order of their bytes.
#[derive(Default)]
pub(super) enum Children {
    #[default]
    None,
    One(u8, u32),
    Two([u8; 2], [u32; 2]),
    Few(ThinVec<Edge>),
    Many(Box<Table>),
}

#[derive(Clone, Copy)]
pub(super) struct Edge {
    byte: u8,
    node: u32,
}

pub(super) struct Table {
    nodes: [u32; 256],
    len: usize,
}

/// The root is nobody's child, so its number stands for no node.
const NONE: u32 = 0;

const MOST_FEW: usize = 48;
const LEAST_MANY: usize = 32;

impl Children {
    #[inline]
    pub(super) fn find(&self, byte: u8) -> Option<u32> {
        match self {
            Self::None => None,
            Self::One(own, node) => (*own == byte).then_some(*node),
            Self::Two(bytes, nodes) => {
                let at = bytes.iter().position(|own| *own == byte)?;
                Some(nodes[at])
            }
            Self::Few(edges) => {
                let at = edges.binary_search_by_key(&byte, |edge| edge.byte).ok()?;
                Some(edges[at].node)
            }
            Self::Many(table) => {
                let node = table.nodes[usize::from(byte)];
                (node != NONE).then_some(node)
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(..) => 1,
            Self::Two(..) => 2,
            Self::Few(edges) => edges.len(),
            Self::Many(table) => table.len,
        }
    }

    pub(super) fn first(&self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::One(_, node) => Some(*node),
            Self::Two(_, nodes) => Some(nodes[0]),
            Self::Few(edges) => edges.first().map(|edge| edge.node),
            Self::Many(table) => table.nodes.iter().copied().find(|node| *node != NONE),
        }
    }

    pub(super) fn for_each(&self, mut visit: impl FnMut(u32)) {
        match self {
            Self::None => {}
            Self::One(_, node) => visit(*node),
            Self::Two(_, nodes) => nodes.iter().copied().for_each(visit),
            Self::Few(edges) => edges.iter().for_each(|edge| visit(edge.node)),
            Self::Many(table) => table
                .nodes
                .iter()
                .copied()
                .filter(|node| *node != NONE)
                .for_each(visit),
        }
    }

    /// Adds a child whose byte is new.
    pub(super) fn insert(&mut self, byte: u8, node: u32) {
        match self {
            Self::None => *self = Self::One(byte, node),
            Self::One(own, first) if *own < byte => {
                *self = Self::Two([*own, byte], [*first, node]);
            }
            Self::One(own, first) => *self = Self::Two([byte, *own], [node, *first]),
            Self::Two(bytes, nodes) => {
                let mut edges = ThinVec::with_capacity(4);
                edges.extend((0..2).map(|at| Edge {
                    byte: bytes[at],
                    node: nodes[at],
                }));
                edges.push(Edge { byte, node });
                edges.sort_unstable_by_key(|edge| edge.byte);
                *self = Self::Few(edges);
            }
            Self::Few(edges) if edges.len() < MOST_FEW => {
                let at = edges.partition_point(|edge| edge.byte < byte);
                edges.insert(at, Edge { byte, node });
            }
            Self::Few(edges) => {
                let mut table = Box::new(Table {
                    nodes: [NONE; 256],
                    len: edges.len() + 1,
                });
                for edge in edges.iter() {
                    table.nodes[usize::from(edge.byte)] = edge.node;
                }
                table.nodes[usize::from(byte)] = node;
                *self = Self::Many(table);
            }
            Self::Many(table) => {
                table.nodes[usize::from(byte)] = node;
                table.len += 1;
            }
        }
    }

    /// Points the edge of `byte`, which is there, at another node.
    pub(super) fn replace(&mut self, byte: u8, node: u32) {
        match self {
            Self::None => {}
            Self::One(_, own) => *own = node,
            Self::Two(bytes, nodes) => nodes[usize::from(bytes[0] != byte)] = node,
            Self::Few(edges) => {
                if let Ok(at) = edges.binary_search_by_key(&byte, |edge| edge.byte) {
                    edges[at].node = node;
                }
            }
            Self::Many(table) => table.nodes[usize::from(byte)] = node,
        }
    }

    /// Takes the edge of `byte`, which is there, away.
    pub(super) fn remove(&mut self, byte: u8) {
        match self {
            Self::None => {}
            Self::One(..) => *self = Self::None,
            Self::Two(bytes, nodes) => {
                let other = usize::from(bytes[0] == byte);
                *self = Self::One(bytes[other], nodes[other]);
            }
            Self::Few(edges) => {
                edges.retain(|edge| edge.byte != byte);
                if let [a, b] = edges[..] {
                    *self = Self::Two([a.byte, b.byte], [a.node, b.node]);
                } else if edges.len() < edges.capacity() / 4 {
                    edges.shrink_to_fit();
                }
            }
            Self::Many(table) => {
                table.nodes[usize::from(byte)] = NONE;
                table.len -= 1;
                if table.len < LEAST_MANY {
                    let edges = (0..=u8::MAX).map(|byte| Edge {
                        byte,
                        node: table.nodes[usize::from(byte)],
                    });
                    *self = Self::Few(edges.filter(|edge| edge.node != NONE).collect());
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn allocated(&self) -> usize {
        match self {
            Self::None | Self::One(..) | Self::Two(..) => 0,
            Self::Few(edges) => super::malloced(THIN_HEADER + edges.capacity() * size_of::<Edge>()),
            Self::Many(_) => super::malloced(size_of::<Table>()),
        }
    }
}

#[cfg(test)]
const THIN_HEADER: usize = 16;

const _: () = assert!(size_of::<Children>() <= 16);
