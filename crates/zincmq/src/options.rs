//! TEMP STUB
use crate::transport::TransportOptions;
use bytes::Bytes;
use std::time::Duration;
use zmtp::SocketType;
#[derive(Debug, Clone)]
pub enum OptionValue {
    Bytes(Bytes),
    Int(i32),
}
#[derive(Debug, Clone, Default)]
pub struct SocketOptions {
    t: TransportOptions,
    b: Bytes,
}
impl SocketOptions {
    pub fn linger(&self) -> Option<Duration> {
        None
    }
    pub fn send_hwm(&self) -> usize {
        1000
    }
    pub fn recv_hwm(&self) -> usize {
        1000
    }
    pub fn send_timeout(&self) -> Option<Duration> {
        None
    }
    pub fn recv_timeout(&self) -> Option<Duration> {
        None
    }
    pub fn conflate(&self) -> bool {
        false
    }
    pub fn affinity(&self) -> u64 {
        0
    }
    pub fn routing_id(&self) -> &Bytes {
        &self.b
    }
    pub fn take_connect_routing_id(&mut self) -> Option<Bytes> {
        None
    }
    pub(crate) fn transport(&self) -> &TransportOptions {
        &self.t
    }
}
#[derive(Debug, Clone, Default)]
pub struct ContextOptions;
impl ContextOptions {
    pub fn max_sockets(&self) -> usize {
        1023
    }
    pub fn io_threads(&self) -> usize {
        1
    }
    pub fn thread_name(&self) -> String {
        "zincmq".into()
    }
    pub fn socket_defaults(&self, _: SocketType) -> SocketOptions {
        SocketOptions::default()
    }
}
#[derive(Debug, thiserror::Error)]
pub enum OptionError {
    #[error("x")]
    Setting(#[from] crate::error::SettingError),
}
