//! The name of an authentication method, which Auth0 lets be changed.

use serde_json::json;
use ureq::http::Method;

use super::{Auth0, method_path};
use crate::idp::capability::labels::Labels;
use crate::idp::directory::{Registered, User};
use crate::idp::error::DirectoryError;

impl Labels for Auth0 {
    fn relabel(&self, user: &User, registered: &Registered, label: &str) -> Result<(), DirectoryError> {
        let call = self.call(Method::PATCH, &method_path(&user.id, &registered.id)).json(&json!({ "name": label }));
        self.send(call, "such authentication method").map(drop)
    }
}
