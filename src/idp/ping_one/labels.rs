//! The nickname of a device: of all that a device has, PingOne lets that one be changed.

use serde_json::json;
use ureq::http::Method;

use super::{PingOne, device_path};
use crate::idp::capability::labels::Labels;
use crate::idp::directory::{Registered, User};
use crate::idp::error::DirectoryError;

impl Labels for PingOne {
    fn relabel(&self, user: &User, registered: &Registered, label: &str) -> Result<(), DirectoryError> {
        let at = format!("{}/nickname", device_path(&user.id, &registered.id));
        let call = self.call(Method::PUT, &at).json(&json!({ "nickname": label }));
        self.send(call, "such device").map(drop)
    }
}
