// `fetch`, with bodies of text; what is sent goes through the program that runs the engine.
const { bytesOf, encode } = require('lockstep:encoding');

class Headers {
  #values = new Map();
  constructor(init = []) {
    const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, value);
  }
  append(name, value) {
    const known = this.get(name);
    this.set(name, known === null ? value : `${known}, ${value}`);
  }
  set(name, value) { this.#values.set(String(name).toLowerCase(), String(value).trim()); }
  get(name) {
    const value = this.#values.get(String(name).toLowerCase());
    return value === undefined ? null : value;
  }
  has(name) { return this.#values.has(String(name).toLowerCase()); }
  delete(name) { this.#values.delete(String(name).toLowerCase()); }
  forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
  keys() { return [...this].map(([name]) => name)[Symbol.iterator](); }
  values() { return [...this].map(([, value]) => value)[Symbol.iterator](); }
  entries() { return this[Symbol.iterator](); }
  [Symbol.iterator]() { return [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1))[Symbol.iterator](); }
}

class FormData {
  constructor() {
    throw new Error('FormData is not available: files cannot be sent from a configuration');
  }
}

// A body that is no text and comes from the program: it can only be passed on.
class Form {
  constructor(call) { this.call = call; }
  get [Symbol.toStringTag]() { return 'FormData'; }
}

class Body {
  #held;
  bodyUsed = false;
  constructor(body) { this.#held = body; }
  #use() {
    if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read');
    this.bodyUsed = true;
    if (this.#held instanceof Form) throw new TypeError('the body of an upload cannot be read, only passed on');
    return this.#held;
  }
  async arrayBuffer() { return (await this.bytes()).slice().buffer; }
  async bytes() {
    const held = this.#use();
    return typeof held === 'string' ? encode(held) : held;
  }
  async text() {
    const held = this.#use();
    return typeof held === 'string' ? held.replace(/^\uFEFF/, '') : new TextDecoder().decode(held);
  }
  async json() { return JSON.parse(await this.text()); }
  static of(body) { return body.#held; }
}
const heldBy = Body.of;

function held(body) {
  if (body === undefined || body === null) return new Uint8Array(0);
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return bytesOf(body);
  return body instanceof Form ? body : String(body);
}

class Request extends Body {
  constructor(input, init = {}) {
    const from = input instanceof Request ? input : undefined;
    super(init.body === undefined && from ? heldBy(from) : held(init.body));
    this.url = from ? from.url : new URL(String(input)).href;
    this.method = String(init.method || (from && from.method) || 'GET').toUpperCase();
    this.headers = new Headers(init.headers || (from && from.headers) || []);
    if (init.body instanceof URLSearchParams && !this.headers.has('content-type')) {
      this.headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8');
    } else if (typeof init.body === 'string' && !this.headers.has('content-type')) {
      this.headers.set('content-type', 'text/plain;charset=UTF-8');
    }
    this.signal = init.signal || (from && from.signal) || null;
  }
}

class Response extends Body {
  constructor(body, init = {}) {
    super(held(body));
    this.status = init.status === undefined ? 200 : init.status;
    this.statusText = init.statusText || '';
    this.ok = this.status >= 200 && this.status < 300;
    this.headers = new Headers(init.headers || []);
    this.url = init.url || '';
    this.redirected = Boolean(init.redirected);
    this.type = 'basic';
  }
  clone() { return new Response(heldBy(this), this); }
  static json(value, init = {}) {
    return new Response(JSON.stringify(value), { ...init, headers: { 'content-type': 'application/json', ...init.headers } });
  }
}

async function fetch(input, init) {
  const request = new Request(input, init);
  if (request.signal) request.signal.throwIfAborted();
  const body = heldBy(request);
  const asked = { url: request.url, method: request.method, headers: [...request.headers] };
  if (body instanceof Form) asked.form_of = body.call;
  else if (body.length > 0) asked.body = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const aborted = request.signal && new Promise((_, reject) => {
    request.signal.addEventListener('abort', () => reject(request.signal.reason));
  });
  const answer = native.ask_('fetch', asked).catch(({ message, code }) => {
    throw new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });
  });
  const { status, headers, url, body: answered } = await (aborted ? Promise.race([answer, aborted]) : answer);
  return new Response(answered, { status, headers, url });
}

// What a function that stands in for `fetch` answers to a request; `form` is the call whose body is no text.
async function fetchBy(standIn, url, init, form) {
  if (init.body === null) delete init.body;
  if (form !== undefined) init.body = new Form(form);
  const response = await standIn(url, init);
  if (response === null || typeof response !== 'object' || typeof response.status !== 'number') {
    throw new TypeError('the function has to return a Response, as fetch does');
  }
  const head = { status: response.status, headers: [...new Headers(response.headers || [])] };
  return { head, body: await bodyOf(response) };
}

async function bodyOf(response) {
  if (response instanceof Body && typeof heldBy(response) === 'string') return response.text();
  if (typeof response.arrayBuffer === 'function') return [...bytesOf(await response.arrayBuffer())];
  if (typeof response.text === 'function') return response.text();
  return typeof response.json === 'function' ? JSON.stringify(await response.json()) : '';
}

module.exports = { fetch, Headers, Request, Response, FormData, fetchBy };
