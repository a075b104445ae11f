/**
 * Which record of a dump is which record of this instance, for Lockstep and for directus-sync. Written by
 * `lockstep extension install`, which also brings newer versions: do not edit it here.
 *
 * Below /directus-extension-sync, for administrators only:
 *
 *   GET    /info                          which extension this is, and which batch routes it has
 *   GET    /tables                        {table: [{sync_id, local_id}]}: all mappings
 *   PATCH  /mappings                      {delete: [{table, sync_id, local_id?}], create: [{table, sync_id, local_id}]},
 *                                         all or nothing; a second time changes nothing more
 *   GET    /table/:table                  the rows of a table
 *   POST   /table/:table                  {local_id, sync_id?}: one mapping more
 *   GET    /table/:table/sync_id/:id      one row; also by local_id
 *   DELETE /table/:table/sync_id/:id      forgets it; also by local_id
 *   DELETE /helpers/permissions/duplicates   {keep: 'first' | 'last'}
 *
 * All but the first three are those of directus-extension-sync, and the table is the same: either extension goes on
 * with what the other has stored.
 */
import { randomUUID } from 'node:crypto';

const NAME = 'directus-extension-lockstep';
const VERSION = '1.0.0';
/** Which batch routes there are: a client that does not know the number uses the others. */
const BATCH = 1;

const TABLE = 'directus_sync_id_map';
/** So many rows in one statement: no database is too small for that. */
const ROWS = 100;
/** By what a mapping is found. */
const KEYS = ['sync_id', 'local_id'];

export default {
  id: 'directus-extension-sync',
  handler(router, { database, services, getSchema, logger }) {
    const route = (work) => async (req, res) => {
      try {
        await work(req, res);
      } catch (error) {
        if (!(error instanceof Refusal)) logger.error(error, NAME);
        res.status(error.status ?? 500).json({ message: error.message });
      }
    };

    router.use((req, res, next) => {
      if (req.accountability?.admin === true) return next();
      res.status(403).json({ message: "You don't have permission to access this." });
    });

    router.get('/info', (req, res) => res.json({ name: NAME, version: VERSION, batch: BATCH }));

    router.get('/tables', route(async (req, res) => {
      const tables = Object.create(null);
      const rows = (await exists(database)) ? await database(TABLE).select('table', ...KEYS).orderBy('id') : [];
      for (const { table, ...mapping } of rows) (tables[table] ??= []).push(mapping);
      res.json(tables);
    }));

    router.patch('/mappings', route(async (req, res) => {
      const gone = list(req.body, 'delete').map((item) => mapping(item, false));
      const wanted = list(req.body, 'create').map((item) => mapping(item, true));
      if (wanted.length > 0) await prepare(database);
      else if (!(await exists(database))) return res.json({ deleted: 0, created: 0 });
      res.json(await twice(() => database.transaction((trx) => change(trx, gone, wanted))));
    }));

    router.get('/table/:table', route(async (req, res) => {
      const { table } = req.params;
      res.json((await exists(database)) ? await database(TABLE).where({ table }).orderBy('id') : []);
    }));

    router.post('/table/:table', route(async (req, res) => {
      const { table, sync_id, local_id } = mapping({ sync_id: randomUUID(), ...req.body, ...req.params }, true);
      await prepare(database);
      if (await database(TABLE).where({ table, local_id }).first()) throw new Refusal(409, 'Local id already exists');
      if (await database(TABLE).where({ table, sync_id }).first()) throw new Refusal(409, 'Sync id already exists');
      await database(TABLE).insert({ table, sync_id, local_id });
      res.json({ sync_id });
    }));

    for (const key of KEYS) {
      router.get(`/table/:table/${key}/:id`, route(async (req, res) => {
        const { table, id } = req.params;
        const row = (await exists(database)) && (await database(TABLE).where({ table, [key]: id }).first());
        if (!row) throw new Refusal(404, 'No id map found');
        res.json(row);
      }));

      router.delete(`/table/:table/${key}/:id`, route(async (req, res) => {
        const { table, id } = req.params;
        if (await exists(database)) await database(TABLE).where({ table, [key]: id }).delete();
        res.sendStatus(204);
      }));
    }

    router.delete('/helpers/permissions/duplicates', route(async (req, res) => {
      const keep = req.body?.keep ?? 'last';
      if (keep !== 'first' && keep !== 'last') throw new Refusal(400, '"keep" must be "first" or "last"');
      const deletedPermissions = await duplicates(database, keep);
      const ids = deletedPermissions.flatMap((group) => group.ids);
      if (ids.length > 0) {
        const options = { schema: await getSchema(), accountability: req.accountability };
        await new services.PermissionsService(options).deleteMany(ids);
      }
      res.json({ deletedPermissions });
    }));
  },
};

/** What the caller is told, with its HTTP status. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Whether anything was mapped yet. Reading makes no table. */
function exists(database) {
  return database.schema.hasTable(TABLE);
}

/** Makes the table, unless it is there, as directus-extension-sync makes it. */
async function prepare(database) {
  if (await exists(database)) return;
  try {
    await database.schema.createTable(TABLE, (table) => {
      table.increments('id');
      for (const column of ['table', ...KEYS]) table.string(column).notNullable();
      table.dateTime('created_at').defaultTo(database.fn.now()).index();
      for (const key of KEYS) table.unique(['table', key]);
    });
  } catch (error) {
    // Another request, or another process of this instance, may have been faster.
    if (!(await exists(database))) throw error;
  }
}

/** A list in the body; none is an empty one. */
function list(body, name) {
  const items = body?.[name] ?? [];
  if (!Array.isArray(items)) throw new Refusal(400, `"${name}" must be a list`);
  return items;
}

/** A mapping as the caller gives it, its ids as texts. */
function mapping(item, whole) {
  const text = (name, needed) => {
    const value = item?.[name];
    if (typeof value === 'number' || typeof value === 'string') return String(value);
    if (value === undefined && !needed) return undefined;
    throw new Refusal(400, `"${name}" must be a text or a number`);
  };
  return { table: text('table', true), sync_id: text('sync_id', true), local_id: text('local_id', whole) };
}

/** Deletes and creates; what holds one of the ids of a new mapping makes way for it. */
async function change(trx, gone, wanted) {
  const done = { deleted: 0, created: 0 };
  for (const table of new Set([...gone, ...wanted].map((item) => item.table))) {
    const of = (items) => items.filter((item) => item.table === table);
    const rows = await trx(TABLE).select('id', ...KEYS).where({ table });
    const { removed, added } = difference(rows, of(gone), of(wanted));
    for (const ids of chunks(removed)) await trx(TABLE).whereIn('id', ids).delete();
    for (const items of chunks(added)) await trx(TABLE).insert(items);
    done.deleted += removed.length;
    done.created += added.length;
  }
  return done;
}

/** Which rows of one table go, and which come. */
function difference(rows, gone, wanted) {
  const bySync = new Map(rows.map((row) => [row.sync_id, row]));
  const byLocal = new Map(rows.map((row) => [row.local_id, row]));
  const removed = [];
  const drop = (row) => {
    if (row === undefined) return;
    bySync.delete(row.sync_id);
    byLocal.delete(row.local_id);
    if (row.id !== undefined) removed.push(row.id);
  };
  for (const { sync_id, local_id } of gone) {
    const row = bySync.get(sync_id);
    if (local_id === undefined || row?.local_id === local_id) drop(row);
  }
  for (const item of wanted) {
    if (bySync.get(item.sync_id)?.local_id === item.local_id) continue;
    drop(bySync.get(item.sync_id));
    drop(byLocal.get(item.local_id));
    bySync.set(item.sync_id, item);
    byLocal.set(item.local_id, item);
  }
  return { removed, added: [...bySync.values()].filter((row) => row.id === undefined) };
}

function* chunks(items) {
  for (let at = 0; at < items.length; at += ROWS) yield items.slice(at, at + ROWS);
}

/** Two callers at the same time can both find that a mapping is missing: who comes second finds it there. */
async function twice(work) {
  try {
    return await work();
  } catch {
    return await work();
  }
}

/** Permissions beyond the one to keep, of the same policy (Directus 10: role), collection and action. */
async function duplicates(database, keep) {
  const holder = (await database.schema.hasColumn('directus_permissions', 'policy')) ? 'policy' : 'role';
  const rows = await database('directus_permissions').select('id', holder, 'collection', 'action').orderBy('id');
  const groups = new Map();
  for (const { id, ...what } of rows) {
    const key = JSON.stringify(what);
    if (!groups.has(key)) groups.set(key, { ...what, ids: [] });
    groups.get(key).ids.push(id);
  }
  const several = [...groups.values()].filter((group) => group.ids.length > 1);
  return several.map((group) => ({ ...group, ids: keep === 'first' ? group.ids.slice(1) : group.ids.slice(0, -1) }));
}
