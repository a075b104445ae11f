// `@directus/sdk` for projects that have not installed it: its REST commands, as tables. A command is a function that
// gives `{ path, method, params, body }`; what it gives is compared with the SDK's own.

// --- Checks ----------------------------------------------------------------------------------------------------

const CORE = [
  'access', 'activity', 'collections', 'comments', 'dashboards', 'extensions', 'fields', 'files', 'flows', 'folders',
  'migrations', 'notifications', 'operations', 'panels', 'permissions', 'policies', 'presets', 'relations', 'revisions',
  'roles', 'sessions', 'settings', 'shares', 'translations', 'users', 'versions', 'webhooks',
];

const isCore = (collection) => collection.startsWith('directus_') && CORE.includes(collection.slice('directus_'.length));

function throwIfEmpty(value, message) {
  if (value.length === 0) throw new Error(message);
}

function throwIfCoreCollection(collection, message) {
  if (isCore(String(collection))) throw new Error(message);
}

const filled = (value, what) => {
  const given = value === undefined || value === null ? '' : value;
  throwIfEmpty(Array.isArray(given) ? given : String(given), `${what} cannot be empty`);
};

// --- Kinds of commands -----------------------------------------------------------------------------------------

const json = (value) => JSON.stringify(value);
const get = (path, params) => (params === undefined ? { path, method: 'GET' } : { path, method: 'GET', params });
const post = (path, body, params) => ({ path, method: 'POST', body: json(body), ...(params === undefined ? {} : { params }) });
const patch = (path, body, params = {}) => ({ path, method: 'PATCH', body: json(body), params });
const remove = (path, body) => ({ path, method: 'DELETE', ...(body === undefined ? {} : { body: json(body) }) });

// Some endpoints take keys, or a query in their place.
function keysOrQuery(value) {
  throwIfEmpty(Array.isArray(value) ? value : Object.keys(value), 'keysOrQuery cannot be empty');
  return Array.isArray(value) ? { keys: value } : { query: value };
}

const key = (path) => (id, query = {}) => () => {
  filled(id, 'Key');
  return get(`${path}/${id}`, query);
};

// c: create one and several, r: read one and several, u: update one and several, d: delete one and several, b: update
// several, each with its own values, q: several are named by keys or by a query.
const FAMILIES = [
  ['Activity', 'Activities', '/activity', 'r'],
  ['Comment', 'Comments', '/comments', 'crudq'],
  ['ContentVersion', 'ContentVersions', '/versions', 'crudb'],
  ['Dashboard', 'Dashboards', '/dashboards', 'crudb'],
  ['File', 'Files', '/files', 'rudb'],
  ['Flow', 'Flows', '/flows', 'crudb'],
  ['Folder', 'Folders', '/folders', 'crudb'],
  ['Notification', 'Notifications', '/notifications', 'crudb'],
  ['Operation', 'Operations', '/operations', 'crudb'],
  ['Panel', 'Panels', '/panels', 'crudb'],
  ['Permission', 'Permissions', '/permissions', 'crudb'],
  ['Policy', 'Policies', '/policies', 'crudb'],
  ['Preset', 'Presets', '/presets', 'crudb'],
  ['Revision', 'Revisions', '/revisions', 'r'],
  ['Role', 'Roles', '/roles', 'crudb'],
  ['Share', 'Shares', '/shares', 'crudb'],
  ['Translation', 'Translations', '/translations', 'crudb'],
  ['User', 'Users', '/users', 'crudb'],
  ['Webhook', 'Webhooks', '/webhooks', 'crud'],
];

for (const [one, several, path, kinds] of FAMILIES) {
  const has = (kind) => kinds.includes(kind);
  if (has('c')) {
    exports[`create${one}`] = exports[`create${several}`] = (item, query = {}) => () => post(path, item, query);
  }
  if (has('r')) {
    exports[`read${one}`] = key(path);
    exports[`read${several}`] = (query = {}) => () => get(path, query);
  }
  if (has('u')) {
    exports[`update${one}`] = (id, item, query) => () => {
      filled(id, 'Key');
      return patch(`${path}/${id}`, item, query);
    };
    exports[`update${several}`] = (keys, item, query) => () => {
      if (has('q')) return patch(path, { ...keysOrQuery(keys), data: item }, query);
      filled(keys, 'Keys');
      return patch(path, { keys, data: item }, query);
    };
  }
  if (has('b')) exports[`update${several}Batch`] = (items, query) => () => patch(path, items, query);
  if (has('d')) {
    exports[`delete${one}`] = (id) => () => {
      filled(id, 'Key');
      return remove(`${path}/${id}`);
    };
    exports[`delete${several}`] = (keys) => () => {
      if (has('q')) return remove(path, keysOrQuery(keys));
      filled(keys, 'Keys');
      return remove(path, keys);
    };
  }
}

// --- Items of collections --------------------------------------------------------------------------------------

const items = (name, collection, command) => {
  filled(collection, 'Collection');
  throwIfCoreCollection(collection, `Cannot use ${name} for core collections`);
  return command(`/items/${collection}`);
};
const item = (name, collection, id, command) => items(name, collection, (path) => {
  filled(id, 'Key');
  return command(`${path}/${id}`);
});

Object.assign(exports, {
  readItems: (collection, query = {}) => () => items('readItems', collection, (path) => get(path, query)),
  readItem: (collection, id, query = {}) => () => item('readItem', collection, id, (path) => get(path, query)),
  readSingleton: (collection, query = {}) => () => items('readSingleton', collection, (path) => get(path, query)),
  createItem: (collection, value, query = {}) => () => items('createItem', collection, (path) => post(path, value, query)),
  createItems: (collection, values, query = {}) => () => items('createItems', collection, (path) => post(path, values, query)),
  updateItem: (collection, id, value, query) => () => item('updateItem', collection, id, (path) => patch(path, value, query)),
  updateItems: (collection, keys, value, query) => () =>
    items('updateItems', collection, (path) => patch(path, { ...keysOrQuery(keys), data: value }, query)),
  updateItemsBatch: (collection, values, query) => () => items('updateItems', collection, (path) => patch(path, values, query)),
  updateSingleton: (collection, value, query) => () => items('updateSingleton', collection, (path) => patch(path, value, query)),
  deleteItem: (collection, id) => () => item('deleteItem', collection, id, (path) => remove(path)),
  deleteItems: (collection, keys) => () => items('deleteItems', collection, (path) => remove(path, keysOrQuery(keys))),
  aggregate: (collection, options) => () => {
    const name = String(collection);
    filled(name, 'Collection');
    const path = isCore(name) ? `/${name.slice('directus_'.length)}` : `/items/${name}`;
    return get(path, {
      ...options.query,
      ...(options.groupBy ? { groupBy: options.groupBy } : {}),
      aggregate: options.aggregate,
    });
  },
});

// --- The data model --------------------------------------------------------------------------------------------

const fieldOf = (base, collection, field, command) => {
  filled(collection, 'Collection');
  filled(field, 'Field');
  return command(`/${base}/${collection}/${field}`);
};

Object.assign(exports, {
  createCollection: (item, query = {}) => () => post('/collections', item, query),
  readCollection: (collection) => () => {
    filled(collection, 'Collection');
    return get(`/collections/${collection}`);
  },
  readCollections: () => () => get('/collections'),
  updateCollection: (collection, item, query) => () => {
    filled(collection, 'Collection');
    return patch(`/collections/${collection}`, item, query);
  },
  updateCollectionsBatch: (items, query) => () => patch('/collections', items, query),
  deleteCollection: (collection) => () => remove(`/collections/${collection}`),
  createField: (collection, item, query = {}) => () => post(`/fields/${collection}`, item, query),
  readField: (collection, field) => () => fieldOf('fields', collection, field, get),
  readFields: () => () => get('/fields'),
  readFieldsByCollection: (collection) => () => {
    filled(collection, 'Collection');
    return get(`/fields/${collection}`);
  },
  updateField: (collection, field, item, query) => () => {
    filled(collection, 'Keys');
    filled(field, 'Field');
    return patch(`/fields/${collection}/${field}`, item, query);
  },
  deleteField: (collection, field) => () => fieldOf('fields', collection, field, (path) => remove(path)),
  createRelation: (item) => () => post('/relations', item),
  readRelation: (collection, field) => () => fieldOf('relations', collection, field, get),
  readRelations: () => () => get('/relations'),
  readRelationByCollection: (collection) => () => get(`/relations/${collection}`),
  updateRelation: (collection, field, item, query) => () =>
    fieldOf('relations', collection, field, (path) => patch(path, item, query)),
  deleteRelation: (collection, field) => () => fieldOf('relations', collection, field, (path) => remove(path)),
  schemaSnapshot: () => () => get('/schema/snapshot'),
  schemaDiff: (snapshot, force = false) => () => post('/schema/diff', snapshot, force ? { force } : {}),
  schemaApply: (diff) => () => post('/schema/apply', diff),
});

// --- All others ------------------------------------------------------------------------------------------------

const form = (path, method, body, params) => ({
  path, method, body, headers: { 'Content-Type': 'multipart/form-data' }, ...(params === undefined ? {} : { params }),
});
const asset = (read) => (id, query = {}) => () => {
  filled(id, 'Key');
  return { ...get(`/assets/${id}`, query), onResponse: read };
};
const version = (id, command) => {
  filled(id, 'ID');
  return command(`/versions/${id}`);
};
const getAuthEndpoint = (provider) => (provider ? `/auth/login/${provider}` : '/auth/login');

const { updateFile } = exports;
Object.assign(exports, {
  // settings, users, roles, permissions
  readSettings: (query = {}) => () => get('/settings', query),
  updateSettings: (item, query) => () => patch('/settings', item, query),
  readMe: (query = {}) => () => get('/users/me', query),
  updateMe: (item, query) => () => patch('/users/me', item, query),
  inviteUser: (email, role, invite_url) => () => post('/users/invite', { email, role, ...(invite_url ? { invite_url } : {}) }),
  acceptUserInvite: (token, password) => () => post('/users/invite/accept', { token, password }),
  registerUser: (email, password, options = {}) => () => post('/users/register', { email, password, ...options }),
  registerUserVerify: (token) => () => get('/users/register/verify-email', { token }),
  generateTwoFactorSecret: (password) => () => post('/users/me/tfa/generate', { password }),
  enableTwoFactor: (secret, otp) => () => post('/users/me/tfa/enable', { secret, otp }),
  disableTwoFactor: (otp) => () => post('/users/me/tfa/disable', { otp }),
  readRolesMe: (query = {}) => () => get('/roles/me', query),
  readPolicyGlobals: () => () => get('/policies/me/globals'),
  readUserPermissions: () => () => get('/permissions/me'),
  readItemPermissions: (collection, id) => () => {
    filled(collection, 'Collection');
    return get(`/permissions/me/${collection}${id ? `/${id}` : ''}`);
  },
  // authentication
  getAuthEndpoint,
  login: (email, password, options = {}) => () => {
    const otp = 'otp' in options ? { otp: options.otp } : {};
    return post(getAuthEndpoint(options.provider), { email, password, ...otp, mode: options.mode === undefined ? 'cookie' : options.mode });
  },
  logout: (refresh_token, mode = 'cookie') => () => post('/auth/logout', refresh_token ? { refresh_token, mode } : { mode }),
  refresh: (mode = 'cookie', refresh_token = undefined) => () => post('/auth/refresh', mode === 'json' ? { refresh_token, mode } : { mode }),
  readProviders: (sessionOnly = false) => () => get(sessionOnly ? '/auth?sessionOnly' : '/auth'),
  passwordRequest: (email, reset_url) => () => post('/auth/password/request', { email, ...(reset_url ? { reset_url } : {}) }),
  passwordReset: (token, password) => () => post('/auth/password/reset', { token, password }),
  authenticateShare: (share, password, mode = 'cookie') => () => post('/shares/auth', { share, password, mode }),
  inviteShare: (share, emails) => () => post('/shares/invite', { share, emails }),
  readShareInfo: (id) => () => get(`/shares/info/${id}`),
  // files
  uploadFiles: (data, query = {}) => () => form('/files', 'POST', data, query),
  importFile: (url, data = {}, query = {}) => () => post('/files/import', { url, data }, query),
  updateFile: (id, item, query = {}) => () => {
    if (Object.prototype.toString.call(item) !== '[object FormData]') return updateFile(id, item, query)();
    filled(id, 'Key');
    return form(`/files/${id}`, 'PATCH', item, query);
  },
  readAssetRaw: asset((response) => response.body),
  readAssetBlob: asset((response) => response.blob()),
  readAssetArrayBuffer: asset((response) => response.arrayBuffer()),
  // content versions, flows, extensions
  saveToContentVersion: (id, item) => () => version(id, (path) => post(`${path}/save`, item)),
  compareContentVersion: (id) => () => version(id, (path) => get(`${path}/compare`)),
  promoteContentVersion: (id, mainHash, fields) => () =>
    version(id, (path) => post(`${path}/promote`, fields ? { mainHash, fields } : { mainHash })),
  triggerFlow: (method, id, data = {}) => () =>
    (method === 'GET' ? get(`/flows/trigger/${id}`, data) : post(`/flows/trigger/${id}`, data)),
  readExtensions: () => () => get('/extensions/'),
  updateExtension: (bundle, name, data) => () => {
    if (bundle !== null) throwIfEmpty(bundle, 'Bundle cannot be an empty string');
    filled(name, 'Name');
    return patch(bundle ? `/extensions/${bundle}/${name}` : `/extensions/${name}`, data);
  },
  // server and utilities
  serverHealth: () => () => get('/server/health'),
  serverInfo: () => () => get('/server/info'),
  serverPing: () => () => get('/server/ping'),
  readOpenApiSpec: () => () => get('/server/specs/oas'),
  readGraphqlSdl: (scope = 'item') => () => get(scope === 'item' ? '/server/specs/graphql' : '/server/specs/graphql/system'),
  clearCache: () => (system = false) => ({ path: `/utils/cache/clear${system ? '?system' : ''}`, method: 'POST' }),
  generateHash: (string) => () => post('/utils/hash/generate', { string }),
  verifyHash: (string, hash) => () => post('/utils/hash/verify', { string, hash }),
  randomString: (length) => () => get('/utils/random/string', length === undefined ? {} : { length }),
  utilitySort: (collection, item, to) => () => post(`/utils/sort/${collection}`, { item, to }),
  utilsExport: (collection, format, query, file) => () => post(`/utils/export/${collection}`, { format, query, file }),
  utilsImport: (collection, data) => () => form(`/utils/import/${collection}`, 'POST', data),
});

// --- Around commands -------------------------------------------------------------------------------------------

function formatFields(fields) {
  const below = (field, above) => {
    if (typeof field !== 'object') return [[...above, String(field)].join('.')];
    return Object.keys(field).flatMap((name) => {
      const inner = field[name] === null || field[name] === undefined ? [] : field[name];
      if (Array.isArray(inner)) return inner.flatMap((part) => below(part, [...above, name]));
      if (typeof inner !== 'object') return [];
      return Object.keys(inner).flatMap((scope) => inner[scope].flatMap((part) => below(part, [...above, `${name}:${scope}`])));
    });
  };
  return fields.flatMap((field) => below(field, []));
}

const some = (value) => value && Object.keys(value).length > 0;

// A query object as the parameters of a URL.
function queryToParams(query) {
  const params = {};
  if (Array.isArray(query.fields) && query.fields.length > 0) params.fields = formatFields(query.fields).join(',');
  if (some(query.filter)) params.filter = json(query.filter);
  if (query.search) params.search = query.search;
  if (query.sort) params.sort = typeof query.sort === 'string' ? query.sort : query.sort.join(',');
  for (const [name, least] of [['limit', -1], ['offset', 0], ['page', 1]]) {
    if (typeof query[name] === 'number' && query[name] >= least) params[name] = String(query[name]);
  }
  for (const name of ['deep', 'alias', 'aggregate']) {
    if (some(query[name])) params[name] = json(query[name]);
  }
  if (query.groupBy && query.groupBy.length > 0) params.groupBy = query.groupBy.join(',');
  for (const [name, value] of Object.entries(query)) {
    if (name in params) continue;
    params[name] = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : json(value);
  }
  return params;
}

const missing = (name) => () => {
  throw new Error(`${name} of @directus/sdk is not available here: install the package, or use the client that hooks are given`);
};

Object.assign(exports, {
  throwIfEmpty,
  throwIfCoreCollection,
  formatFields,
  queryToParams,
  customEndpoint: (options) => () => options,
  withToken: (token, command) => () => {
    const options = command();
    if (token) options.headers = { ...options.headers, Authorization: `Bearer ${token}` };
    return options;
  },
  withOptions: (command, options) => () => {
    const result = command();
    result.onRequest = typeof options === 'function' ? options : (init) => ({ ...init, ...options });
    return result;
  },
  withSearch: (command) => () => {
    const { params, ...options } = command();
    if (options.method !== 'GET' || !params) return params === undefined ? options : { ...options, params };
    const fields = formatFields(params.fields === undefined || params.fields === null ? [] : params.fields);
    return { ...options, method: 'SEARCH', body: json({ query: { ...params, fields } }) };
  },
  isDirectusError: (error) => typeof error === 'object' && error !== null && Array.isArray(error.errors)
    && 'message' in error.errors[0] && 'extensions' in error.errors[0] && 'code' in error.errors[0].extensions,
  sleep: (delay) => new Promise((resolve) => { setTimeout(resolve, delay); }),
  memoryStorage: () => {
    let stored = null;
    return { get: async () => stored, set: async (value) => { stored = value; } };
  },
  auth: (credentials) => json({ ...credentials, type: 'auth' }),
  pong: () => json({ type: 'pong' }),
  *generateUid() {
    for (let next = 1; ; next += 1) yield String(next);
  },
  authentication: missing('authentication'),
  graphql: missing('graphql'),
  realtime: missing('realtime'),
  messageCallback: missing('messageCallback'),
  staticToken: (token) => () => {
    let current = token === undefined ? null : token;
    return { getToken: async () => current, setToken: async (next) => { current = next; } };
  },
  createDirectus: (url, options = {}) => ({
    globals: { fetch: globalThis.fetch, URL, logger: console, ...options.globals },
    url: new URL(url),
    with(extension) { return { ...this, ...extension(this) }; },
  }),
  rest: (settings = {}) => (client) => ({
    async request(command) {
      const options = command();
      const url = new URL(client.url.pathname.replace(/\/$/, '') + options.path, client.url);
      for (const [name, value] of Object.entries(queryToParams(options.params || {}))) url.searchParams.set(name, value);
      const token = this.getToken && (await this.getToken());
      const headers = { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}), ...options.headers };
      let init = { method: options.method || 'GET', headers, ...(options.body ? { body: options.body } : {}) };
      for (const change of [options.onRequest, settings.onRequest]) {
        if (change) init = await change(init);
      }
      const response = await client.globals.fetch(url.href, init);
      const text = await response.text();
      const answer = (response.headers.get('content-type') || '').includes('json') ? JSON.parse(text) : text || null;
      const data = answer !== null && typeof answer === 'object' && 'data' in answer ? answer.data : answer;
      if (response.ok) return settings.onResponse ? settings.onResponse(data, init) : data;
      throw Object.assign(new Error(response.statusText), { errors: answer && answer.errors, response });
    },
  }),
});
