//! Sockets with their options set before anything is bound or connected.

use std::marker::PhantomData;
use std::time::Duration;

use crate::SocketType;
use crate::context::Context;
use crate::error::BuildError;
use crate::options::opt::{self, SocketOption, builder_methods};
use crate::options::{
    Effect, OptionError, OptionValue, Row, Setting, SocketConfig, SocketOptions, option_table,
    row_by_name,
};
use crate::security::KeyPair;
use crate::socket::Socket;
use crate::transport::ListeningFd;
use crate::typed::Wrap;

/// A socket in the making. Each option is parsed as it is given; the first
/// that does not fit is told when the socket is made.
///
/// ```
/// use std::time::Duration;
/// use zincmq::{Context, Push};
///
/// let ctx = Context::new();
/// let push = Push::builder(&ctx)
///     .send_high_water_mark(500)
///     .linger(Duration::ZERO)
///     .bind("tcp://127.0.0.1:*")?;
/// push.last_endpoint();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until its socket is made"]
pub struct Builder<S> {
    context: Context,
    socket_type: SocketType,
    options: SocketOptions,
    settings: Vec<(&'static Row, Setting)>,
    failure: Option<OptionError>,
    made: PhantomData<fn() -> S>,
}

impl<S> Builder<S> {
    pub(crate) fn new(context: &Context, socket_type: SocketType) -> Self {
        Self {
            context: context.clone(),
            socket_type,
            options: context.shared().socket_defaults(socket_type),
            settings: Vec::new(),
            failure: None,
            made: PhantomData,
        }
    }

    /// Sets an option by its type, as [`Socket::set`] does.
    pub fn set<O: SocketOption>(self, option: O) -> Self {
        self.apply(O::row(), Ok(option.into_value()))
    }

    /// Sets the option called `name` to what `text` describes, as
    /// [`Socket::set_by_name`] does.
    pub fn set_by_name(mut self, name: &str, text: &str) -> Self {
        match row_by_name(name) {
            Some(row) => self.apply(row, OptionValue::parse(row, text)),
            None => {
                self.fail(OptionError::Unknown(name.to_owned()));
                self
            }
        }
    }

    /// Sets all options of `config`, which may serve other sockets as well.
    pub fn config(self, config: &SocketConfig) -> Self {
        config.values().fold(self, |builder, (row, value)| {
            builder.apply(row, Ok(value.clone()))
        })
    }

    fn apply(mut self, row: &'static Row, value: Result<OptionValue, OptionError>) -> Self {
        match value.and_then(|value| self.options.set(row, value, self.socket_type)) {
            Ok(Effect::Pattern(setting)) => self.settings.push((row, setting)),
            // There is nothing live yet.
            Ok(Effect::Stored | Effect::Live(_)) => {}
            Err(error) => self.fail(error),
        }
        self
    }

    fn fail(&mut self, error: OptionError) {
        self.failure.get_or_insert(error);
    }

    fn socket(self) -> Result<Socket, BuildError> {
        if let Some(error) = self.failure {
            return Err(error.into());
        }
        let socket = self.context.socket_with(self.socket_type, self.options)?;
        for (row, setting) in self.settings {
            socket.inner().apply_setting(row, setting)?;
        }
        Ok(socket)
    }
}

/// Every option of the table that has a type, as a method. Options that the
/// socket's type does not have are refused when the socket is made.
impl<S> Builder<S> {
    option_table!(builder_methods);

    /// Both of this side's own keys of CURVE, in place of `curve_public_key` and
    /// `curve_secret_key`.
    pub fn curve_key_pair(self, keys: &KeyPair) -> Self {
        self.set(opt::CurvePublicKey(*keys.public()))
            .set(opt::CurveSecretKey(keys.secret().clone()))
    }
}

impl<S: Wrap> Builder<S> {
    /// Makes the socket.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the option that did not fit, or why there is no
    /// socket.
    pub fn build(self) -> Result<S, BuildError> {
        self.socket().map(S::wrap)
    }

    /// Makes the socket and binds it; its `last_endpoint` tells to what.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`] and [`Socket::bind`].
    pub fn bind(self, endpoint: &str) -> Result<S, BuildError> {
        let socket = self.socket()?;
        socket.bind(endpoint)?;
        Ok(S::wrap(socket))
    }

    /// Makes the socket and connects it.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`] and [`Socket::connect`].
    pub fn connect(self, endpoint: &str) -> Result<S, BuildError> {
        let socket = self.socket()?;
        socket.connect(endpoint)?;
        Ok(S::wrap(socket))
    }
}
