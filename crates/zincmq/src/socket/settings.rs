//! Options, applied.
use super::core::Core;
use crate::options::{OptionError, OptionValue};
use crate::pattern::Setting;
impl Core {
    pub(crate) fn set_by_name(&self, name: &str, value: OptionValue) -> Result<(), OptionError> {
        let OptionValue::Bytes(b) = value else {
            return Ok(());
        };
        let setting = if name == "SUBSCRIBE" {
            Setting::Subscribe(b)
        } else {
            Setting::Unsubscribe(b)
        };
        Ok(self.with(|s| s.pattern.set(&mut s.peers, setting))?)
    }
    pub(crate) fn can_recv(&self) -> bool {
        self.with(|s| s.pattern.can_recv(&mut s.peers))
    }
    pub(crate) fn can_send(&self) -> bool {
        self.with(|s| s.pattern.can_send(&mut s.peers))
    }
}
