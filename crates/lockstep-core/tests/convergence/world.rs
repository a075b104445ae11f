//! Random instances: few names and few ids, so that two of them overlap in every way.

use std::collections::BTreeSet;

use lockstep_core::identity::specials::CurrentUser;
use lockstep_core::identity::{InstanceRows, Mappings};
use lockstep_core::record::{LocalId, Row, SyncId};
use serde_json::{Value, json};

/// An instance and who runs the commands there.
pub(crate) struct World {
    pub(crate) rows: InstanceRows,
    pub(crate) user: CurrentUser,
}

/// Xorshift: reproducible from the seed that proptest prints.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick(&mut self, ids: &[String]) -> Value {
        if ids.is_empty() || self.one_in(3) { Value::Null } else { json!(ids[self.below(ids.len())]) }
    }
}

/// A UUID: of both worlds if `side` is 9, else of one.
fn uuid(kind: usize, side: usize, number: usize) -> String {
    format!("{kind:08x}-{side:04x}-4000-8000-{number:012x}")
}

struct Builder {
    dice: Dice,
    side: usize,
    rows: InstanceRows,
}

impl World {
    pub(crate) fn random(seed: u64, side: usize) -> Self {
        let mut builder = Builder {
            dice: Dice(seed | 1),
            side,
            rows: lockstep_core::collection::COLLECTIONS.iter().map(|c| (c.name, vec![])).collect(),
        };
        let admin = builder.own(90);
        builder.fill(&admin);
        let user = CurrentUser { id: builder.own(99).into(), role: Some(admin.into()) };
        Self { rows: builder.rows, user }
    }

    /// Mappings of some rows: nothing, what an earlier push knew, or also what is long gone.
    pub(crate) fn some_mappings(&self, seed: u64, kind: u8) -> Mappings {
        let (mut dice, mut mappings) = (Dice(seed.rotate_left(9) | 1), Mappings::default());
        for (name, rows) in self.rows.iter().filter(|_| kind > 0) {
            for row in rows {
                if dice.one_in(2) {
                    continue;
                }
                let own = SyncId::from(row.id.as_str());
                let other = SyncId::from(uuid(77, 0, dice.below(1_000_000)));
                let sync_id = if dice.one_in(2) && own.is_uuid() { own } else { other };
                mappings.record(name, sync_id, row.id.clone());
            }
            if kind > 1 {
                let gone = uuid(78, 0, dice.below(1_000_000));
                mappings.record(name, SyncId::from(gone.as_str()), LocalId::from(gone.as_str()));
            }
        }
        mappings
    }
}

impl Builder {
    fn own(&self, kind: usize) -> String {
        uuid(kind, self.side, 0)
    }

    fn add(&mut self, collection: &'static str, id: &str, fields: Value) {
        let Value::Object(fields) = fields else { panic!("fields are an object") };
        self.rows.get_mut(collection).unwrap().push(Row { id: id.into(), fields });
    }

    /// Fresh ids, some of which both worlds have.
    fn ids(&mut self, kind: usize) -> Vec<String> {
        let mut ids = BTreeSet::new();
        for _ in 0..self.dice.below(5) {
            let side = if self.dice.one_in(2) { 9 } else { self.side };
            ids.insert(uuid(kind, side, self.dice.below(6)));
        }
        ids.into_iter().collect()
    }

    /// A name that no other here has, mostly.
    fn name(&mut self, taken: &mut BTreeSet<String>) -> String {
        loop {
            let name = format!("n{}", self.dice.below(12));
            if taken.insert(name.clone()) || self.dice.one_in(40) {
                return name;
            }
        }
    }

    fn fill(&mut self, admin: &str) {
        let folders = self.folders();
        let roles = self.roles(admin);
        self.settings(&folders, &roles);
        self.flows();
        let policies = self.policies(admin, &roles);
        self.permissions(&policies);
        self.presets(&roles);
        self.dashboards();
        self.translations();
    }

    fn folders(&mut self) -> Vec<String> {
        let (ids, mut taken) = (self.ids(1), BTreeSet::new());
        for place in 0..ids.len() {
            let (parent, name) = (self.dice.pick(&ids[..place]), self.name(&mut taken));
            self.add("folders", &ids[place], json!({"name": name, "parent": parent}));
        }
        ids
    }

    fn roles(&mut self, admin: &str) -> Vec<String> {
        let (ids, mut taken) = (self.ids(2), BTreeSet::new());
        self.add(
            "roles",
            admin,
            json!({"name": "Administrator", "parent": null, "users": [], "policies": []}),
        );
        for place in 0..ids.len() {
            let (parent, name) = (self.dice.pick(&ids[..place]), self.name(&mut taken));
            self.add("roles", &ids[place], json!({"name": name, "parent": parent, "users": []}));
        }
        ids
    }

    fn settings(&mut self, folders: &[String], roles: &[String]) {
        let (folder, role) = (self.dice.pick(folders), self.dice.pick(roles));
        let name = format!("project {}", self.dice.below(2));
        let fields =
            json!({"project_name": name, "storage_default_folder": folder, "public_registration_role": role});
        self.add("settings", "1", fields);
    }

    fn flows(&mut self) {
        let (ids, mut taken) = (self.ids(3), BTreeSet::new());
        for (number, id) in ids.iter().enumerate() {
            let name = self.name(&mut taken);
            let operations = self.ids(40 + number);
            let start = if operations.is_empty() { Value::Null } else { json!(operations[0]) };
            self.add("flows", id, json!({"name": name, "status": "active", "operation": start}));
            self.operations(id, &operations, &ids);
        }
    }

    fn operations(&mut self, flow: &str, ids: &[String], flows: &[String]) {
        for (place, id) in ids.iter().enumerate() {
            let next = ids.get(place + 1).filter(|_| !self.dice.one_in(3));
            let (resolve, reject) = if self.dice.one_in(2) { (next, None) } else { (None, next) };
            let options = match self.dice.below(3) {
                0 => json!({"flow": flows[self.dice.below(flows.len())], "note": format!("see {}", ids[0])}),
                1 => json!({"flow": "{{ $trigger.flow }}"}),
                _ => json!(null),
            };
            let key = format!("op{}", self.dice.below(3) + 3 * place);
            let fields = json!({"name": key, "key": key, "type": "log", "position_x": 1, "position_y": place, "flow": flow, "resolve": resolve, "reject": reject, "options": options});
            self.add("operations", id, fields);
        }
    }

    fn policies(&mut self, admin: &str, roles: &[String]) -> Vec<String> {
        let (ids, mut taken) = (self.ids(5), BTreeSet::new());
        let attached =
            |id: &str, role: Value, user: Value| json!({"id": id, "role": role, "user": user, "sort": null});
        let (of_admin, of_public) = (self.own(91), self.own(92));
        let admins = json!([attached(&of_admin, json!(admin), Value::Null)]);
        self.add(
            "policies",
            &of_admin,
            json!({"name": "Administrator", "admin_access": true, "roles": admins}),
        );
        let public = json!([attached(&of_public, Value::Null, Value::Null)]);
        self.add("policies", &of_public, json!({"name": "Public", "admin_access": false, "roles": public}));
        for id in &ids {
            let name = self.name(&mut taken);
            let chosen: Vec<&String> = roles.iter().filter(|_| self.dice.one_in(2)).collect();
            let mut attachments: Vec<Value> = chosen
                .iter()
                .map(|role| attached(&format!("{id}{role}"), json!(role), Value::Null))
                .collect();
            if self.dice.one_in(3) {
                attachments.push(attached(&format!("{id}u"), Value::Null, json!("somebody")));
            }
            self.add("policies", id, json!({"name": name, "admin_access": false, "roles": attachments}));
        }
        ids
    }

    fn permissions(&mut self, policies: &[String]) {
        for number in 0..self.dice.below(8) {
            let Value::String(policy) = self.dice.pick(policies) else { continue };
            let collection = format!("c{}", self.dice.below(2));
            let action = ["read", "update"][self.dice.below(2)];
            let fields = json!({"policy": policy, "collection": collection, "action": action,
                "fields": if self.dice.one_in(2) { json!(["*"]) } else { json!(["id"]) }});
            self.add("permissions", &(number + 1).to_string(), fields);
        }
    }

    fn presets(&mut self, roles: &[String]) {
        for number in 0..self.dice.below(5) {
            let (role, bookmark) = (self.dice.pick(roles), self.dice.below(2));
            let fields = json!({"role": role, "collection": "c0", "bookmark": if bookmark == 0 { json!(null) } else { json!("b") },
                "layout": if self.dice.one_in(2) { "tabular" } else { "cards" }, "user": null});
            self.add("presets", &(number + 1).to_string(), fields);
        }
    }

    fn dashboards(&mut self) {
        let (ids, mut taken) = (self.ids(6), BTreeSet::new());
        for id in &ids {
            let name = self.name(&mut taken);
            self.add("dashboards", id, json!({"name": name, "panels": []}));
        }
        for id in self.ids(7) {
            if let Value::String(dashboard) = self.dice.pick(&ids) {
                self.add("panels", &id, json!({"dashboard": dashboard, "name": null, "type": "label", "position_x": 1, "position_y": 1, "width": 8, "height": 4}));
            }
        }
    }

    fn translations(&mut self) {
        let (ids, mut taken) = (self.ids(8), BTreeSet::new());
        for id in ids {
            let key = self.name(&mut taken);
            let language = ["en-US", "nl-NL"][self.dice.below(2)];
            let value = format!("v{}", self.dice.below(2));
            self.add("translations", &id, json!({"key": key, "language": language, "value": value}));
        }
    }
}
