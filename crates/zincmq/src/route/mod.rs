//! The small routers that socket types are composed from. They know peers and
//! messages, no socket types.

mod addressed;
mod by_identity;
mod fair_queue;
mod fan_out;
mod groups;
mod load_balance;
mod radix;
mod rota;
mod subscriptions;

pub(crate) use addressed::Addressed;
pub(crate) use by_identity::random_u32;
pub(crate) use fair_queue::FairQueue;
pub(crate) use fan_out::FanOut;
pub(crate) use groups::{Groups, MAX_GROUP, is_group};
pub(crate) use load_balance::LoadBalance;
pub(crate) use subscriptions::{Added, Prefixes, Removed, Subscriptions};

#[cfg(test)]
mod tests;
