//! What every socket type promises, over every transport, blocking and async:
//! each case below runs six times.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

mod addressing;
mod client_server;
mod counters;
mod endpoints;
mod lifecycle;
mod limits;
mod notices;
mod pair;
mod peer_to_peer;
mod pipeline;
mod publish_subscribe;
mod radio_dish;
mod request_reply;
mod support;
mod threads;

/// A module for each pair of transport and mode, with a test for each case.
macro_rules! suite {
    ($($part:ident: $($case:ident)*;)*) => {
        suite!(@in inproc_blocking Inproc Blocking $($part: $($case)*;)*);
        suite!(@in inproc_async Inproc Async $($part: $($case)*;)*);
        suite!(@in ipc_blocking Ipc Blocking $($part: $($case)*;)*);
        suite!(@in ipc_async Ipc Async $($part: $($case)*;)*);
        suite!(@in tcp_blocking Tcp Blocking $($part: $($case)*;)*);
        suite!(@in tcp_async Tcp Async $($part: $($case)*;)*);
    };
    (@in $module:ident $transport:ident $mode:ident $($part:ident: $($case:ident)*;)*) => {
        mod $module {
            use crate::support::{Mode, Transport, World};
            $(mod $part {
                $(#[test]
                fn $case() {
                    crate::$part::$case(&super::World::new(
                        super::Transport::$transport,
                        super::Mode::$mode,
                    ));
                })*
            })*
        }
    };
}

suite! {
    request_reply:
        requests_get_their_replies
        a_requester_takes_turns_with_its_replier
        requests_go_to_repliers_in_turn
        a_router_sees_the_envelope
        a_dealer_writes_the_envelope
        a_relaxed_requester_gets_the_reply_to_its_last_request
        a_request_without_envelope_is_dropped;
    publish_subscribe:
        subscribers_get_what_they_subscribed_to
        subscriptions_are_counted
        an_xpub_hears_of_subscriptions
        an_xsub_subscribes_by_messages
        nobody_waits_for_a_full_subscriber
        no_drop_waits_for_the_slowest_subscriber;
    pipeline:
        work_goes_round
        results_come_in_turn
        multipart_messages_stay_whole;
    pair:
        talks_both_ways
        a_channel_talks_both_ways
        a_third_is_not_heard;
    addressing:
        replies_go_to_who_asked
        names_that_peers_announce
        every_way_to_receive_tells_the_name_apart
        names_that_the_connecting_side_gives
        nobody_of_that_name
        a_name_is_taken_once
        a_name_is_handed_over;
    radio_dish:
        members_get_what_is_sent_to_their_groups
        groups_are_joined_and_left_at_any_time
        nobody_waits_for_a_full_member
        no_drop_waits_for_the_slowest_member
        groups_that_are_refused
        a_message_is_a_group_and_a_body;
    client_server:
        replies_go_to_the_client
        a_server_shows_the_number_as_four_bytes
        nobody_of_that_number
        a_server_waits_for_a_full_client
        several_parts_are_neither_sent_nor_received
        a_server_parts_with_one_client;
    peer_to_peer:
        both_know_each_other_by_number
        a_number_comes_before_its_peer
        a_peer_that_is_left_is_not_connected_again
        numbers_are_not_for_everyone;
    notices:
        a_hello_comes_first
        each_new_connection_starts_with_a_hello
        who_leaves_is_told_of
        a_lost_connection_is_told_of
        a_router_hears_of_connects_and_disconnects
        a_router_hears_nothing_of_strangers
        small_batches_carry_everything;
    limits:
        who_waits_for_a_peer
        who_cannot_send_or_receive
        a_full_queue_blocks_and_opens_again
        marks_of_both_ends_add_up_while_they_change
        waits_end_in_time
        a_socket_lingers
        a_socket_that_does_not_linger
        conflate_keeps_the_newest;
    endpoints:
        a_connect_before_its_bind
        an_endpoint_is_bound_once
        an_unbound_endpoint_takes_nobody
        an_unbound_endpoint_leaves_what_came
        a_disconnected_peer_is_gone
        unknown_endpoints_are_named
        a_socket_with_several_endpoints;
    lifecycle:
        a_closed_socket_says_so
        a_close_ends_waits
        a_terminated_context_says_so
        a_shutdown_ends_waits
        term_waits_for_what_is_queued
        a_peer_that_comes_back;
    threads:
        sixteen_threads_on_one_socket
        requests_from_many_threads
        dropped_receives_take_nothing
        dropped_sends_are_whole_or_nothing;
    counters:
        sent_is_delivered_and_queued
        a_publisher_counts_what_it_dropped
        a_router_counts_what_it_could_not_route
        what_a_leaving_peer_leaves_is_counted
        what_conflate_replaces_is_counted
        subscriptions_are_counted_as_they_are_queued;
}
