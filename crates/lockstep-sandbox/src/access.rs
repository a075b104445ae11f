//! Whose a request is, and what they may do.

mod address;
pub(crate) mod own;
mod rule;

use rusqlite::{Connection, OptionalExtension as _, params};

pub(crate) use self::rule::{Fields, Rule, rule};
use crate::auth::{self, Tokens, Worth};
use crate::db::Session;
use crate::error::{Answer, ApiError};

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Who {
    /// Id of the user; none for the public.
    pub(crate) user: Option<String>,
    /// The user's own role.
    pub(crate) role: Option<String>,
    /// The role and all above it.
    pub(crate) roles: Vec<String>,
    /// True if nothing is forbidden.
    pub(crate) admin: bool,
    /// True if the application may be used.
    pub(crate) app: bool,
    /// Address of the client, for the activity.
    pub(crate) ip: Option<String>,
    /// `User-Agent`, for the activity.
    pub(crate) agent: Option<String>,
    /// `Origin`, for the activity.
    pub(crate) origin: Option<String>,
}

/// A policy that somebody has.
pub(crate) struct Policy {
    pub(crate) id: String,
    pub(crate) admin: bool,
    pub(crate) app: bool,
    pub(crate) enforce_tfa: bool,
}

impl Who {
    /// The instance itself: nothing is forbidden, nothing is recorded.
    pub(crate) fn instance() -> Self {
        Self { admin: true, ..Self::default() }
    }

    /// Refuses everybody but administrators.
    pub(crate) fn must_be_admin(&self) -> Answer<()> {
        if self.admin { Ok(()) } else { Err(ApiError::forbidden(None)) }
    }

    /// Becomes this user, with what their policies allow.
    pub(crate) fn become_user(&mut self, db: &Connection, user: &str, role: Option<String>) -> Answer<()> {
        self.roles = tree(db, role.as_deref())?;
        self.user = Some(user.into());
        self.role = role;
        let policies = policies(db, self)?;
        self.admin = policies.iter().any(|it| it.admin);
        self.app = self.admin || policies.iter().any(|it| it.app);
        Ok(())
    }
}

/// Finds out whose token this is; no token is the public's. `who` tells what else is known of them.
pub(crate) fn identify(db: &Connection, tokens: &Tokens, token: Option<&str>, mut who: Who) -> Answer<Who> {
    let Some(token) = token else { return Ok(who) };
    match tokens.worth(token) {
        Worth::User(user) => {
            let sql = "select role from directus_users where id = ?1";
            let role = db.prepare_cached(sql)?.query_row([&user], |row| row.get(0)).optional()?;
            // The user was deleted meanwhile.
            let Some(role) = role else { return Err(ApiError::token()) };
            who.become_user(db, &user, role)?;
        }
        Worth::Expired => return Err(ApiError::new(401, "TOKEN_EXPIRED", "Token expired.")),
        Worth::Forged => return Err(ApiError::new(403, "INVALID_TOKEN", "Invalid token.")),
        Worth::Foreign => {
            let (user, role) = owner(db, token)?.ok_or_else(ApiError::token)?;
            who.become_user(db, &user, role)?;
        }
    }
    Ok(who)
}

/// The user with this static token. It is compared with every one there is, in constant time: an index would tell by
/// its speed how much of a guess is right.
fn owner(db: &Connection, token: &str) -> Answer<Option<(String, Option<String>)>> {
    let sql = "select id, role, token from directus_users where token is not null and status = 'active'";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = None;
    while let Some(row) = rows.next()? {
        let theirs: String = row.get(2)?;
        if auth::same(&theirs, token) {
            found = Some((row.get(0)?, row.get(1)?));
        }
    }
    Ok(found)
}

/// A role and all above it, the nearest first.
fn tree(db: &Connection, role: Option<&str>) -> Answer<Vec<String>> {
    let (mut roles, mut next) = (Vec::new(), role.map(str::to_owned));
    let mut statement = db.prepare_cached("select parent from directus_roles where id = ?1")?;
    while let Some(role) = next {
        // Roles may form a circle.
        if roles.contains(&role) {
            break;
        }
        let parent: Option<Option<String>> = statement.query_row([&role], |row| row.get(0)).optional()?;
        let Some(parent) = parent else { break };
        roles.push(role);
        next = parent;
    }
    Ok(roles)
}

/// The policies of a user and their roles, or of the public.
pub(crate) fn policies(db: &Connection, who: &Who) -> Answer<Vec<Policy>> {
    let roles = serde_json::to_string(&who.roles).unwrap_or_default();
    // Who has no role is treated like the public, besides what is their own.
    // A column of booleans takes anything; what is no 1 is not said.
    let sql = "select distinct p.id, p.admin_access is 1, p.app_access is 1, p.enforce_tfa is 1, p.ip_access \
               from directus_access a \
               join directus_policies p on p.id = a.policy \
               where a.role in (select value from json_each(?1)) or a.user = ?2 \
               or (?1 = '[]' and a.role is null and a.user is null) order by a.sort, p.id";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![roles, who.user])?;
    let mut policies = Vec::new();
    while let Some(row) = rows.next()? {
        let allowed: Option<String> = row.get(4)?;
        if address::fits(allowed.as_deref(), who.ip.as_deref()) {
            policies.push(Policy {
                id: row.get(0)?,
                admin: row.get(1)?,
                app: row.get(2)?,
                enforce_tfa: row.get(3)?,
            });
        }
    }
    Ok(policies)
}

/// Gives the administrator their token and password. Where there is no administrator (any more), one is made.
pub(crate) fn secure(session: &mut Session<'_>, token: &str, password: Option<&str>) -> Answer<()> {
    let db = session.db;
    let user = match administrator(db)? {
        Some(user) => user,
        None => add_administrator(db)?,
    };
    db.execute("update directus_users set token = null where token = ?1 and id <> ?2", params![token, user])?;
    db.execute(
        "update directus_users set token = ?1, status = 'active' where id = ?2",
        params![token, user],
    )?;
    if let Some(password) = password {
        let hash = auth::hash(password)?;
        db.execute("update directus_users set password = ?1 where id = ?2", params![hash, user])?;
    }
    Ok(())
}

/// The static token that the administrator of a database has.
pub(crate) fn administrators_token(session: &Session<'_>) -> Answer<Option<String>> {
    let Some(user) = administrator(session.db)? else { return Ok(None) };
    let sql = "select token from directus_users where id = ?1";
    Ok(session.db.query_row(sql, [user], |row| row.get(0))?)
}

fn administrator(db: &Connection) -> Answer<Option<String>> {
    let sql = "select u.id from directus_users u join directus_access a on a.role = u.role or a.user = u.id \
               join directus_policies p on p.id = a.policy where p.admin_access \
               order by u.email = 'admin@example.com' desc, u.id limit 1";
    Ok(db.query_row(sql, [], |row| row.get(0)).optional()?)
}

fn add_administrator(db: &Connection) -> Answer<String> {
    let id = || uuid::Uuid::new_v4().to_string();
    let (user, policy) = (id(), id());
    db.execute(
        "insert into directus_policies (id, name, icon, description, admin_access, app_access) \
         values (?1, 'Administrator', 'verified', '$t:admin_description', 1, 1)",
        params![policy],
    )?;
    db.execute(
        "insert into directus_users (id, first_name, last_name, email) values (?1, 'Admin', 'User', \
         case when exists (select 1 from directus_users where email = 'admin@example.com') \
         then null else 'admin@example.com' end)",
        params![user],
    )?;
    db.execute(
        "insert into directus_access (id, user, policy) values (?1, ?2, ?3)",
        params![id(), user, policy],
    )?;
    Ok(user)
}
