//! `/auth`: login, refresh and logout.

use axum::http::header;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};

use super::call::Call;
use super::mail;
use super::reply::Reply;
use crate::access::Who;
use crate::auth::{self, ACCESS_SECONDS, REFRESH_SECONDS, SESSION_SECONDS};
use crate::clock;
use crate::error::{Answer, ApiError};

const COOKIE: &str = "directus_refresh_token";
/// The cookie that is a token by itself.
pub(crate) const SESSION_COOKIE: &str = "directus_session_token";

/// How a client wants its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Json,
    Cookie,
    /// One cookie that is all that is needed.
    Session,
}

/// Answers below `/auth`.
pub(crate) fn answer(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    match (call.request.method.as_str(), rest) {
        ("GET", []) => Ok(Reply::json(&json!({"data": [], "disableDefault": false}))),
        ("POST", ["login"]) => login(call),
        ("POST", ["refresh"]) => refresh(call),
        ("POST", ["logout"]) => logout(call),
        (_, ["password", what]) => mail::password(call, what),
        _ => call.no_route(),
    }
}

/// A user as a login sees them.
struct User {
    id: String,
    role: Option<String>,
    password: Option<String>,
    status: String,
    provider: String,
    second_factor: bool,
}

fn login(call: &Call<'_>) -> Answer<Reply> {
    let email = needed(call, "email")?;
    if !is_email(email) {
        return Err(ApiError::payload("\"email\" must be a valid email"));
    }
    let password = needed(call, "password")?;
    let mode = match call.request.body.get("mode") {
        None => Mode::Json,
        Some(mode) => named(mode)?,
    };
    let instance = Who::instance();
    let user = call.instance.db.read(&instance, |session| user(session.db, email))?;
    // Somebody unknown takes as long as a wrong password.
    let hash = match user.as_ref().and_then(|user| user.password.clone()) {
        Some(hash) => hash,
        None => auth::hash("")?,
    };
    let right = auth::verify(password, &hash);
    let user = user.filter(|user| right && user.password.is_some()).ok_or_else(ApiError::credentials)?;
    if user.status != "active" || user.provider != "default" {
        return Err(ApiError::credentials());
    }
    if user.second_factor {
        return Err(ApiError::new(401, "INVALID_OTP", "Invalid user OTP."));
    }
    let refresh = auth::random_text(64)?;
    let who = call.instance.db.write(&instance, |session| {
        let db = session.db;
        let request = &call.request.client;
        db.execute(
            "insert into directus_sessions (token, user, expires, ip, user_agent, origin) values (?1, ?2, ?3, ?4, ?5, ?6)",
            params![refresh, user.id, clock::later(REFRESH_SECONDS), request.ip, request.agent, request.origin],
        )?;
        db.execute("delete from directus_sessions where expires < ?1", [clock::now()])?;
        db.execute(
            "insert into directus_activity (action, user, timestamp, ip, user_agent, origin, collection, item) \
             values ('login', ?1, ?2, ?3, ?4, ?5, 'directus_users', ?1)",
            params![user.id, clock::now(), request.ip, request.agent, request.origin],
        )?;
        seen(db, call, &user.id, user.role.clone())
    })?;
    granted(call, &who, refresh, mode)
}

fn refresh(call: &Call<'_>) -> Answer<Reply> {
    let (old, mode) = current(call)?;
    let new = auth::random_text(64)?;
    let who = call.instance.db.write(&Who::instance(), |session| {
        let db = session.db;
        let (token, user, role, status) = session_of(db, &old)?.ok_or_else(ApiError::credentials)?;
        if status != "active" {
            return Ok(Err(status));
        }
        db.execute(
            "update directus_sessions set token = ?1, expires = ?2 where token = ?3",
            params![new, clock::later(REFRESH_SECONDS), token],
        )?;
        seen(db, call, &user, role).map(Ok)
    })?;
    match who {
        Ok(who) => granted(call, &who, new, mode),
        Err(status) => {
            call.instance.db.write(&Who::instance(), |session| end(session.db, &old))?;
            Err(if status == "suspended" {
                ApiError::new(401, "USER_SUSPENDED", "User suspended.")
            } else {
                ApiError::credentials()
            })
        }
    }
}

fn logout(call: &Call<'_>) -> Answer<Reply> {
    let (token, mode) = current(call)?;
    call.instance.db.write(&Who::instance(), |session| end(session.db, &token))?;
    if mode == Mode::Session {
        // The cookie is the access itself.
        call.instance.tokens.end(&token);
    }
    Ok(match mode {
        Mode::Json => Reply::nothing(),
        Mode::Cookie => {
            Reply::nothing().with(header::SET_COOKIE, format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly"))
        }
        Mode::Session => Reply::nothing()
            .with(header::SET_COOKIE, format!("{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly")),
    })
}

fn user(db: &Connection, email: &str) -> Answer<Option<User>> {
    let sql = "select id, role, password, status, provider, tfa_secret is not null from directus_users \
               where lower(email) = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(User {
            id: row.get(0)?,
            role: row.get(1)?,
            password: row.get(2)?,
            status: row.get(3)?,
            provider: row.get(4)?,
            second_factor: row.get(5)?,
        })
    };
    Ok(db.prepare_cached(sql)?.query_row([email.to_lowercase()], read).optional()?)
}

type Found = (String, String, Option<String>, String);

/// The session of a refresh token, with its user; compared in constant time, as all tokens are.
fn session_of(db: &Connection, token: &str) -> Answer<Option<Found>> {
    let sql = "select s.token, u.id, u.role, u.status from directus_sessions s join directus_users u on u.id = s.user \
               where s.expires >= ?1";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([clock::now()])?;
    let mut found = None;
    while let Some(row) = rows.next()? {
        let theirs: String = row.get(0)?;
        if auth::same(&theirs, token) {
            found = Some((theirs, row.get(1)?, row.get(2)?, row.get(3)?));
        }
    }
    Ok(found)
}

fn end(db: &Connection, token: &str) -> Answer<()> {
    if let Some((token, ..)) = session_of(db, token)? {
        db.execute("delete from directus_sessions where token = ?1", [token])?;
    }
    Ok(())
}

/// Notes that a user was there, and tells what they may do.
fn seen(db: &Connection, call: &Call<'_>, user: &str, role: Option<String>) -> Answer<Who> {
    db.execute("update directus_users set last_access = ?1 where id = ?2", params![clock::now(), user])?;
    let mut who = Who { ip: call.request.client.ip.clone(), ..Who::default() };
    who.become_user(db, user, role)?;
    Ok(who)
}

fn granted(call: &Call<'_>, who: &Who, refresh: String, mode: Mode) -> Answer<Reply> {
    let user = who.user.as_deref().unwrap_or_default();
    let seconds = if mode == Mode::Session { SESSION_SECONDS } else { ACCESS_SECONDS };
    let access = call.instance.tokens.grant(user, who, &refresh, seconds)?;
    let mut data = json!({"expires": seconds * 1000});
    if mode == Mode::Session {
        let cookie = format!("{SESSION_COOKIE}={access}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax");
        return Ok(Reply::data(data).with(header::SET_COOKIE, cookie));
    }
    let reply = |data: Value| Reply::data(data);
    if mode == Mode::Json {
        data["refresh_token"] = refresh.into();
        data["access_token"] = access.into();
        return Ok(reply(data));
    }
    data["access_token"] = access.into();
    let cookie = format!("{COOKIE}={refresh}; Max-Age={REFRESH_SECONDS}; Path=/; HttpOnly; SameSite=Lax");
    Ok(reply(data).with(header::SET_COOKIE, cookie))
}

/// The refresh token that a request brings, and how.
fn current(call: &Call<'_>) -> Answer<(String, Mode)> {
    let body = call.request.text("refresh_token");
    let mode = match call.request.body.get("mode") {
        Some(mode) => named(mode)?,
        None if body.is_some() => Mode::Json,
        None if call.request.client.cookie(SESSION_COOKIE).is_some() => Mode::Session,
        None => Mode::Cookie,
    };
    let token = match mode {
        Mode::Json => body.map(str::to_owned),
        Mode::Cookie => call.request.client.cookie(COOKIE),
        Mode::Session => {
            let token = call.request.client.cookie(SESSION_COOKIE);
            token.and_then(|token| call.instance.tokens.session(&token))
        }
    };
    let missing = || ApiError::payload("The refresh token is required in either the payload or cookie");
    token.filter(|token| !token.is_empty()).map(|token| (token, mode)).ok_or_else(missing)
}

fn named(mode: &Value) -> Answer<Mode> {
    match mode.as_str() {
        Some("json") => Ok(Mode::Json),
        Some("cookie") => Ok(Mode::Cookie),
        Some("session") => Ok(Mode::Session),
        _ => Err(ApiError::payload("\"mode\" must be one of [cookie, json, session]")),
    }
}

fn needed<'a>(call: &'a Call<'_>, name: &str) -> Answer<&'a str> {
    match call.request.body.get(name) {
        None => Err(ApiError::payload(format!("\"{name}\" is required"))),
        Some(Value::String(text)) if text.is_empty() => {
            Err(ApiError::payload(format!("\"{name}\" is not allowed to be empty")))
        }
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(ApiError::payload(format!("\"{name}\" must be a string"))),
    }
}

fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else { return false };
    let parts: Vec<&str> = domain.split('.').collect();
    let fine = |part: &&str| !part.is_empty() && part.chars().all(|it| it.is_alphanumeric() || it == '-');
    !name.is_empty() && !text.contains(char::is_whitespace) && parts.len() > 1 && parts.iter().all(fine)
}
