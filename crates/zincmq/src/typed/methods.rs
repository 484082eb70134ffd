//! The methods of typed sockets, by what a type can do. Each passes on to the
//! untyped [`Socket`](crate::Socket), where the details are told.

/// What every type can do.
macro_rules! common_methods {
    () => {
        /// A builder that sets options first.
        pub fn builder(context: &Context) -> Builder<Self> {
            Builder::new(context, Self::TYPE)
        }

        /// Listens at `endpoint` and returns it with wildcards filled in, as
        /// [`Socket::bind`].
        ///
        /// # Errors
        ///
        /// [`BindError`] names the endpoint and what was wrong with it.
        pub fn bind(&self, endpoint: &str) -> Result<String, BindError> {
            self.0.bind(endpoint)
        }

        /// Connects to `endpoint`, now or when somebody listens there, as
        /// [`Socket::connect`].
        ///
        /// # Errors
        ///
        /// [`ConnectError`] for an endpoint that can never work.
        pub fn connect(&self, endpoint: &str) -> Result<(), ConnectError> {
            self.0.connect(endpoint)
        }

        /// Stops listening at `endpoint`, as [`Socket::unbind`].
        ///
        /// # Errors
        ///
        /// [`UnbindError::Unknown`] if the socket is not bound to it.
        pub fn unbind(&self, endpoint: &str) -> Result<(), UnbindError> {
            self.0.unbind(endpoint)
        }

        /// Ends the connection to `endpoint`, as [`Socket::disconnect`].
        ///
        /// # Errors
        ///
        /// [`UnbindError::Unknown`] if the socket is not connected to it.
        pub fn disconnect(&self, endpoint: &str) -> Result<(), UnbindError> {
            self.0.disconnect(endpoint)
        }

        /// The endpoint of the last bind or connect, empty before the first.
        #[must_use]
        pub fn last_endpoint(&self) -> String {
            self.0.last_endpoint()
        }

        /// Sets an option, as [`Socket::set`].
        ///
        /// # Errors
        ///
        /// [`OptionError`] names the option, the value and what would be taken.
        pub fn set<O: SocketOption>(&self, option: O) -> Result<(), OptionError> {
            self.0.set(option)
        }

        /// Reads an option, as [`Socket::option`].
        ///
        /// # Errors
        ///
        /// [`OptionError::Closed`] once the socket is closed.
        pub fn option<O: ReadableOption>(&self) -> Result<O::Value, OptionError> {
            self.0.option::<O>()
        }

        /// Sets an option by its name in `zmq.h`, as [`Socket::set_by_name`].
        ///
        /// # Errors
        ///
        /// As [`Socket::set_by_name`].
        pub fn set_by_name(&self, name: &str, text: &str) -> Result<(), OptionError> {
            self.0.set_by_name(name, text)
        }

        /// Reads an option by its name in `zmq.h`, as
        /// [`Socket::option_by_name`].
        ///
        /// # Errors
        ///
        /// As [`Socket::option_by_name`].
        pub fn option_by_name(&self, name: &str) -> Result<OptionValue, OptionError> {
            self.0.option_by_name(name)
        }

        /// A descriptor to wait for in an event loop, as
        /// [`Socket::readiness_fd`].
        ///
        /// # Errors
        ///
        /// As [`Socket::readiness_fd`].
        pub fn readiness_fd(&self) -> Result<BorrowedFd<'_>, OptionError> {
            self.0.readiness_fd()
        }

        /// What the socket has sent, received and dropped.
        #[must_use]
        pub fn counters(&self) -> Counters {
            self.0.counters()
        }

        /// What happens to the socket's connections from now on, as
        /// [`Socket::monitor`].
        #[must_use]
        pub fn monitor(&self) -> Monitor {
            self.0.monitor()
        }

        /// Closes the socket, as dropping it does; calls that wait in other
        /// threads fail.
        pub fn close(&self) {
            self.0.close();
        }
    };
}

macro_rules! sending_methods {
    () => {
        /// Sends a message, and waits while it must, as [`Socket::send`].
        ///
        /// # Errors
        ///
        /// [`SendError`] says why, and gives the message back.
        pub fn send(&self, message: impl Into<Multipart>) -> Result<(), SendError> {
            self.0.send(message)
        }

        /// Sends a message if that is possible without waiting.
        ///
        /// # Errors
        ///
        /// [`SendFailure::WouldBlock`](crate::error::SendFailure::WouldBlock)
        /// if it is not; else as [`Socket::send`].
        pub fn try_send(&self, message: impl Into<Multipart>) -> Result<(), SendError> {
            self.0.try_send(message)
        }

        /// Sends a message, and waits for at most `limit`.
        ///
        /// # Errors
        ///
        /// [`SendFailure::TimedOut`](crate::error::SendFailure::TimedOut) if
        /// the time passed first; else as [`Socket::send`].
        pub fn send_timeout(
            &self,
            message: impl Into<Multipart>,
            limit: Duration,
        ) -> Result<(), SendError> {
            self.0.send_timeout(message, limit)
        }

        /// Sends a message without blocking the thread. A dropped future has
        /// handed over the whole message or nothing.
        pub fn send_async(&self, message: impl Into<Multipart>) -> SendFuture<'_> {
            self.0.send_async(message)
        }

        /// A [`Sink`](futures_sink::Sink) that sends what is put into it, as
        /// [`Socket::sink`]; its methods come from `SinkExt` of `futures`.
        pub fn sink(&self) -> MessageSink<'_> {
            self.0.sink()
        }

        /// Whether a send would be taken now.
        #[must_use]
        pub fn can_send(&self) -> bool {
            self.0.can_send()
        }
    };
}

macro_rules! receiving_methods {
    () => {
        /// Receives the next message, and waits for it, as [`Socket::recv`].
        ///
        /// # Errors
        ///
        /// [`RecvError`] says why there is none.
        pub fn recv(&self) -> Result<Multipart, RecvError> {
            self.0.recv()
        }

        /// Receives the next message if it is there.
        ///
        /// # Errors
        ///
        /// [`RecvError::WouldBlock`] if it is not; else as [`Socket::recv`].
        pub fn try_recv(&self) -> Result<Multipart, RecvError> {
            self.0.try_recv()
        }

        /// Receives the next message, and waits for at most `limit`.
        ///
        /// # Errors
        ///
        /// [`RecvError::TimedOut`] if the time passed first; else as
        /// [`Socket::recv`].
        pub fn recv_timeout(&self, limit: Duration) -> Result<Multipart, RecvError> {
            self.0.recv_timeout(limit)
        }

        /// Receives the next message without blocking the thread. A dropped
        /// future has taken nothing.
        pub fn recv_async(&self) -> RecvFuture<'_> {
            self.0.recv_async()
        }

        /// The messages to come, as a [`Stream`](futures_core::Stream), as
        /// [`Socket::stream`]; its methods come from `StreamExt` of `futures`
        /// or `futures-lite`.
        pub fn stream(&self) -> MessageStream<'_> {
            self.0.stream()
        }

        /// Whether a receive would return a message now.
        #[must_use]
        pub fn can_recv(&self) -> bool {
            self.0.can_recv()
        }
    };
}

macro_rules! subscribing_methods {
    () => {
        /// Subscribes to messages that start with `prefix`; the empty one
        /// means all. Counted: as many `unsubscribe` undo it.
        ///
        /// # Errors
        ///
        /// [`OptionError`] if the socket is closed, or for an XPUB that is not
        /// in manual mode.
        pub fn subscribe(&self, prefix: impl AsRef<[u8]>) -> Result<(), OptionError> {
            self.0.subscribe(prefix)
        }

        /// Takes back one `subscribe` of the same prefix, if there is one.
        ///
        /// # Errors
        ///
        /// As for `subscribe`.
        pub fn unsubscribe(&self, prefix: impl AsRef<[u8]>) -> Result<(), OptionError> {
            self.0.unsubscribe(prefix)
        }
    };
}

macro_rules! addressing_methods {
    () => {
        /// Sends a message to the peer with this routing id, as a send with
        /// the id for its first part does.
        ///
        /// # Errors
        ///
        /// [`SendError`]; the message it gives back has the routing id for its
        /// first part.
        pub fn send_to(
            &self,
            routing_id: impl Into<Message>,
            message: impl Into<Multipart>,
        ) -> Result<(), SendError> {
            let mut message = message.into();
            message.push_front(routing_id);
            self.0.send(message)
        }

        /// Sends a message to the peer with this routing id without blocking
        /// the thread, as `send_async` with the id for its first part.
        pub fn send_to_async(
            &self,
            routing_id: impl Into<Message>,
            message: impl Into<Multipart>,
        ) -> SendFuture<'_> {
            let mut message = message.into();
            message.push_front(routing_id);
            self.0.send_async(message)
        }

        /// Receives the next message apart from the routing id of its peer, as
        /// [`Multipart::split_first`] parts them.
        ///
        /// # Errors
        ///
        /// [`RecvError`] says why there is none.
        pub fn recv_from(&self) -> Result<(Message, Multipart), RecvError> {
            self.0.recv().map(Multipart::split_first)
        }

        /// Receives the next message if it is there, apart from the routing id
        /// of its peer.
        ///
        /// # Errors
        ///
        /// [`RecvError::WouldBlock`] if it is not; else as [`Socket::recv`].
        pub fn try_recv_from(&self) -> Result<(Message, Multipart), RecvError> {
            self.0.try_recv().map(Multipart::split_first)
        }

        /// Receives the next message apart from the routing id of its peer,
        /// and waits for at most `limit`.
        ///
        /// # Errors
        ///
        /// [`RecvError::TimedOut`] if the time passed first; else as
        /// [`Socket::recv`].
        pub fn recv_from_timeout(
            &self,
            limit: Duration,
        ) -> Result<(Message, Multipart), RecvError> {
            self.0.recv_timeout(limit).map(Multipart::split_first)
        }

        /// Receives the next message apart from the routing id of its peer,
        /// without blocking the thread. A dropped future has taken nothing.
        ///
        /// # Errors
        ///
        /// [`RecvError`] says why there is none.
        pub async fn recv_from_async(&self) -> Result<(Message, Multipart), RecvError> {
            self.0.recv_async().await.map(Multipart::split_first)
        }

        /// Has the peer of the next connect known by this routing id
        /// (ZMQ_CONNECT_ROUTING_ID), instead of by the one it announces.
        ///
        /// # Errors
        ///
        /// As [`Socket::connect`], and for an id that is empty, longer than
        /// 255 bytes, or starts with a 0.
        pub fn connect_to(
            &self,
            routing_id: impl AsRef<[u8]>,
            endpoint: &str,
        ) -> Result<(), BuildError> {
            let routing_id = Bytes::copy_from_slice(routing_id.as_ref());
            self.0.set(opt::ConnectRoutingId(Some(routing_id)))?;
            Ok(self.0.connect(endpoint)?)
        }

        /// Whether a send to the peer with `routing_id` would be taken now, as
        /// [`Socket::can_route`].
        #[must_use]
        pub fn can_route(&self, routing_id: impl AsRef<[u8]>) -> bool {
            self.0.can_route(routing_id)
        }

        /// Whether the peer with `routing_id` is there and has room, as
        /// [`Socket::route_state`].
        ///
        /// # Errors
        ///
        /// [`SendFailure`] says which it has not.
        pub fn route_state(&self, routing_id: impl AsRef<[u8]>) -> Result<(), SendFailure> {
            self.0.route_state(routing_id)
        }
    };
}

/// Types that know their peers by numbers.
macro_rules! numbering_methods {
    () => {
        /// Sends a message to the peer of this routing id, as a send of two
        /// parts does, the id in four bytes and big-endian, and the message.
        ///
        /// # Errors
        ///
        /// [`SendError`]; the message it gives back has the routing id for its
        /// first part.
        pub fn send_to(
            &self,
            routing_id: u32,
            message: impl Into<Message>,
        ) -> Result<(), SendError> {
            self.0.send(numbered(routing_id, message.into()))
        }

        /// Sends a message to the peer of this routing id without blocking the
        /// thread.
        pub fn send_to_async(
            &self,
            routing_id: u32,
            message: impl Into<Message>,
        ) -> SendFuture<'_> {
            self.0.send_async(numbered(routing_id, message.into()))
        }

        /// Receives the next message and the routing id of its peer.
        ///
        /// # Errors
        ///
        /// [`RecvError`] says why there is none.
        pub fn recv_from(&self) -> Result<(u32, Message), RecvError> {
            self.0.recv().map(number_and_body)
        }

        /// Receives the next message, if it is there, and the routing id of
        /// its peer.
        ///
        /// # Errors
        ///
        /// [`RecvError::WouldBlock`] if it is not; else as [`Socket::recv`].
        pub fn try_recv_from(&self) -> Result<(u32, Message), RecvError> {
            self.0.try_recv().map(number_and_body)
        }

        /// Receives the next message and the routing id of its peer, and waits
        /// for at most `limit`.
        ///
        /// # Errors
        ///
        /// [`RecvError::TimedOut`] if the time passed first; else as
        /// [`Socket::recv`].
        pub fn recv_from_timeout(&self, limit: Duration) -> Result<(u32, Message), RecvError> {
            self.0.recv_timeout(limit).map(number_and_body)
        }

        /// Receives the next message and the routing id of its peer without
        /// blocking the thread. A dropped future has taken nothing.
        ///
        /// # Errors
        ///
        /// [`RecvError`] says why there is none.
        pub async fn recv_from_async(&self) -> Result<(u32, Message), RecvError> {
            self.0.recv_async().await.map(number_and_body)
        }

        /// Whether a send to the peer of this routing id would be taken now.
        #[must_use]
        pub fn can_route(&self, routing_id: u32) -> bool {
            self.0.can_route(routing_id.to_be_bytes())
        }

        /// Whether the peer of this routing id is there and has room, as
        /// [`Socket::route_state`].
        ///
        /// # Errors
        ///
        /// [`SendFailure`] says which it has not.
        pub fn route_state(&self, routing_id: u32) -> Result<(), SendFailure> {
            self.0.route_state(routing_id.to_be_bytes())
        }

        /// Ends the conversation with the peer of this routing id, as
        /// [`Socket::disconnect_peer`].
        ///
        /// # Errors
        ///
        /// [`PeerError::Unknown`] if there is no such peer.
        pub fn disconnect_peer(&self, routing_id: u32) -> Result<(), PeerError> {
            self.0.disconnect_peer(routing_id)
        }
    };
}

/// Types that number the peers they connect to.
macro_rules! peering_methods {
    () => {
        /// Connects to `endpoint` and returns the routing id of the peer
        /// there, to which messages may be sent at once, as
        /// [`Socket::connect_peer`].
        ///
        /// # Errors
        ///
        /// As [`Socket::connect_peer`].
        pub fn connect_peer(&self, endpoint: &str) -> Result<u32, ConnectError> {
            self.0.connect_peer(endpoint)
        }
    };
}

/// Types that send to groups.
macro_rules! publishing_methods {
    () => {
        /// Sends a message to all members of `group`, as a send of these two
        /// parts does.
        ///
        /// # Errors
        ///
        /// [`SendError`]; the message it gives back has the group for its
        /// first part.
        pub fn send_to(
            &self,
            group: impl Into<Message>,
            message: impl Into<Message>,
        ) -> Result<(), SendError> {
            self.0.send([group.into(), message.into()])
        }

        /// Sends a message to all members of `group` without blocking the
        /// thread.
        pub fn send_to_async(
            &self,
            group: impl Into<Message>,
            message: impl Into<Message>,
        ) -> SendFuture<'_> {
            self.0.send_async([group.into(), message.into()])
        }
    };
}

/// Types that are in groups.
macro_rules! joining_methods {
    () => {
        /// Receives what is sent to `group` from now on, as [`Socket::join`].
        ///
        /// # Errors
        ///
        /// [`GroupError`] says why not.
        pub fn join(&self, group: impl AsRef<[u8]>) -> Result<(), GroupError> {
            self.0.join(group)
        }

        /// Takes back `join`, as [`Socket::leave`].
        ///
        /// # Errors
        ///
        /// [`GroupError`] says why not.
        pub fn leave(&self, group: impl AsRef<[u8]>) -> Result<(), GroupError> {
            self.0.leave(group)
        }

        /// Receives the next message behind the name of its group.
        ///
        /// # Errors
        ///
        /// [`RecvError`] says why there is none.
        pub fn recv_from(&self) -> Result<(Message, Message), RecvError> {
            self.0.recv().map(group_and_body)
        }

        /// Receives the next message, if it is there, behind the name of its
        /// group.
        ///
        /// # Errors
        ///
        /// [`RecvError::WouldBlock`] if it is not; else as [`Socket::recv`].
        pub fn try_recv_from(&self) -> Result<(Message, Message), RecvError> {
            self.0.try_recv().map(group_and_body)
        }

        /// Receives the next message behind the name of its group, and waits
        /// for at most `limit`.
        ///
        /// # Errors
        ///
        /// [`RecvError::TimedOut`] if the time passed first; else as
        /// [`Socket::recv`].
        pub fn recv_from_timeout(&self, limit: Duration) -> Result<(Message, Message), RecvError> {
            self.0.recv_timeout(limit).map(group_and_body)
        }

        /// Receives the next message behind the name of its group, without
        /// blocking the thread. A dropped future has taken nothing.
        ///
        /// # Errors
        ///
        /// [`RecvError`] says why there is none.
        pub async fn recv_from_async(&self) -> Result<(Message, Message), RecvError> {
            self.0.recv_async().await.map(group_and_body)
        }
    };
}

pub(super) use {
    addressing_methods, common_methods, joining_methods, numbering_methods, peering_methods,
    publishing_methods, receiving_methods, sending_methods, subscribing_methods,
};
