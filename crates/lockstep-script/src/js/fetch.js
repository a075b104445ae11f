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

class Body {
  #bytes;
  bodyUsed = false;
  constructor(body) { this.#bytes = body; }
  async arrayBuffer() { return (await this.bytes()).slice().buffer; }
  async bytes() {
    if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read');
    this.bodyUsed = true;
    return this.#bytes;
  }
  async text() { return new TextDecoder().decode(await this.bytes()); }
  async json() { return JSON.parse(await this.text()); }
  static of(body) { return body.#bytes; }
}
const bytesIn = Body.of;

function asBytes(body) {
  if (body === undefined || body === null) return new Uint8Array(0);
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return bytesOf(body);
  return encode(String(body));
}

class Request extends Body {
  constructor(input, init = {}) {
    const from = input instanceof Request ? input : undefined;
    super(init.body === undefined && from ? bytesIn(from) : asBytes(init.body));
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
    super(asBytes(body));
    this.status = init.status === undefined ? 200 : init.status;
    this.statusText = init.statusText || '';
    this.ok = this.status >= 200 && this.status < 300;
    this.headers = new Headers(init.headers || []);
    this.url = init.url || '';
    this.redirected = Boolean(init.redirected);
    this.type = 'basic';
  }
  clone() { return new Response(bytesIn(this), this); }
  static json(value, init = {}) {
    return new Response(JSON.stringify(value), { ...init, headers: { 'content-type': 'application/json', ...init.headers } });
  }
}

let probed;

async function fetch(input, init) {
  const request = new Request(input, init);
  if (probed !== undefined) {
    probed(request);
    return new Promise(() => {});
  }
  if (request.signal) request.signal.throwIfAborted();
  const bytes = bytesIn(request);
  const asked = { url: request.url, method: request.method, headers: [...request.headers] };
  if (bytes.length > 0) asked.body = new TextDecoder().decode(bytes);
  const aborted = request.signal && new Promise((_, reject) => {
    request.signal.addEventListener('abort', () => reject(request.signal.reason));
  });
  const answer = native.ask_('fetch', asked).catch((failure) => {
    throw new TypeError('fetch failed', { cause: new Error(failure.message) });
  });
  const { status, headers, url, bytes: body } = await (aborted ? Promise.race([answer, aborted]) : answer);
  return new Response(body, { status, headers, url });
}

// Which request a function that stands in for `fetch` makes of one: it is not sent.
function probe(stand_in, input, init) {
  return new Promise((resolve, reject) => {
    let found = false;
    probed = (request) => {
      found = true;
      resolve({ url: request.url, method: request.method, headers: Object.fromEntries(request.headers) });
    };
    try {
      const result = stand_in(input, init);
      Promise.resolve(result).then(() => {
        if (!found) reject(new Error('the function answers by itself: it has to call fetch'));
      }, reject);
    } catch (error) {
      reject(error);
    }
  }).finally(() => {
    probed = undefined;
  });
}

module.exports = { fetch, Headers, Request, Response, FormData, probe };
