// The client that hooks are given: commands of `@directus/sdk` are evaluated here and sent outside.
const { queryToParams } = require('@directus/sdk');

class DirectusError extends Error {
  constructor(failure) {
    super(failure.errors.map((error) => error.message).join('; ') || failure.message);
    this.name = 'DirectusError';
    this.errors = failure.errors.length > 0 ? failure.errors : [{ message: failure.message, extensions: { code: 'UNKNOWN' } }];
    this.response = { status: failure.status, ok: false, url: failure.url };
  }
}

async function send(call, command) {
  const options = typeof command === 'function' ? command() : command;
  if (options === null || typeof options !== 'object' || typeof options.path !== 'string') {
    throw new TypeError('client.request takes a command of @directus/sdk, like readItems(...): a function that gives { path, method }');
  }
  if (options.onResponse) throw new Error(`${options.path}: files cannot be read by a configuration`);
  let init = { method: options.method || 'GET', headers: { ...options.headers }, body: options.body };
  if (options.onRequest) init = await options.onRequest(init);
  if (init.body !== undefined && init.body !== null && typeof init.body !== 'string') {
    throw new TypeError(`${options.path}: only JSON can be sent by a configuration`);
  }
  const params = Object.entries(queryToParams(options.params || {})).map(([name, value]) => [name, String(value)]);
  const request = { path: options.path, method: init.method.toUpperCase(), params, headers: Object.entries(init.headers || {}) };
  if (init.body) request.body = init.body;
  const place = new Error();
  try {
    const answer = await native.ask_(call, request);
    return answer !== null && typeof answer === 'object' && 'data' in answer ? answer.data : answer;
  } catch (failure) {
    const error = failure instanceof Error ? failure : new DirectusError(failure);
    if (!(failure instanceof Error)) error.stack = place.stack;
    throw error;
  }
}

exports.client = (call, url) => ({
  get url() { return new URL(url); },
  request: (command) => send(call, command),
  with(extension) { return { ...this, ...extension(this) }; },
});
