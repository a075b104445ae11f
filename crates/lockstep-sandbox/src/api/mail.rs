//! What the real one sends a mail for, or an application shows: the requests are checked, and no mail is sent.

use serde_json::{Map, Value};

use super::call::Call;
use super::reply::Reply;
use crate::auth;
use crate::error::{Answer, ApiError};
use crate::write;

/// Answers below `/auth/password`: nobody is ever given a token to set a password anew.
pub(crate) fn password(call: &Call<'_>, what: &str) -> Answer<Reply> {
    let needed = |name: &str| match call.request.text(name) {
        Some(_) => Ok(()),
        None => Err(ApiError::payload(format!("\"{name}\" field is required"))),
    };
    match (call.request.method.as_str(), what) {
        ("POST", "request") => needed("email").map(|()| Reply::nothing()),
        ("POST", "reset") => {
            needed("token")?;
            needed("password")?;
            Err(ApiError::new(403, "INVALID_TOKEN", "Invalid token."))
        }
        _ => call.no_route(),
    }
}

/// Makes users that are invited, and tells nobody.
pub(crate) fn invite(call: &Call<'_>) -> Answer<Reply> {
    let body = &call.request.body;
    let emails: Vec<Value> = match body.get("email") {
        None => return Err(ApiError::payload("\"email\" is required")),
        Some(Value::Array(emails)) => emails.clone(),
        Some(email) => vec![email.clone()],
    };
    let role = body.get("role").ok_or_else(|| ApiError::payload("\"role\" is required"))?;
    call.write(|session| {
        let invited = emails.into_iter().map(|email| {
            let fields = [("email", email), ("role", role.clone()), ("status", "invited".into())];
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()
        });
        write::create(session, "directus_users", invited.collect())
    })?;
    Ok(Reply::nothing())
}

/// The first step to a second factor, which is as far as it goes here.
pub(crate) fn second_factor(call: &Call<'_>) -> Answer<Reply> {
    let user = call.who.user.as_deref().ok_or_else(ApiError::credentials)?;
    let password = call.request.text("password").filter(|password| !password.is_empty());
    let password = password.ok_or_else(|| ApiError::payload("\"password\" is required"))?;
    let hash: Option<String> = call.read(|session| {
        let sql = "select password from directus_users where id = ?1";
        Ok(session.db.query_row(sql, [user], |row| row.get(0))?)
    })?;
    match hash.is_some_and(|hash| auth::verify(password, &hash)) {
        true => call.no_route(),
        false => Err(ApiError::credentials()),
    }
}
