//! Who may connect to a listener: networks over tcp, users and groups over ipc.

use std::ffi::OsStr;
use std::net::IpAddr;

use rustix::net::UCred;

use super::TransportOptions;

/// Whether the tcp filters let `address` in; with none, everybody.
pub(super) fn admits_address(options: &TransportOptions, address: IpAddr) -> bool {
    let filters = &options.tcp_accept_filters;
    filters.is_empty() || filters.iter().any(|filter| filter.contains(address))
}

/// Whether the ipc filters let the peer in: one that fits is enough.
pub(super) fn admits_peer(options: &TransportOptions, peer: &UCred) -> bool {
    let TransportOptions {
        ipc_uid_filters: uids,
        ipc_gid_filters: gids,
        ipc_pid_filters: pids,
        ..
    } = options;
    if uids.is_empty() && gids.is_empty() && pids.is_empty() {
        return true;
    }
    uids.contains(&peer.uid.as_raw())
        || gids.contains(&peer.gid.as_raw())
        || pids.contains(&peer.pid.as_raw_pid())
        || (!gids.is_empty() && belongs_to_one_of(peer.uid.as_raw(), gids))
}

/// Whether the user is a member of one of `gids` in the system's database.
fn belongs_to_one_of(uid: u32, gids: &[u32]) -> bool {
    let Some(user) = uzers::get_user_by_uid(uid) else {
        return false;
    };
    let name: &OsStr = user.name();
    uzers::get_user_groups(name, user.primary_group_id())
        .is_some_and(|groups| groups.iter().any(|group| gids.contains(&group.gid())))
}
