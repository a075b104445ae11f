// `URL` and `URLSearchParams`; the parsing is done outside.
const PARTS = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'];
const encode = (text) => encodeURIComponent(text)
  .replace(/%20/g, '+')
  .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const decode = (text) => {
  const spaced = text.replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
};

class URLSearchParams {
  #pairs = [];
  #changed = () => {};

  constructor(init = '') {
    if (typeof init === 'object' && init !== null) {
      const pairs = typeof init[Symbol.iterator] === 'function' ? [...init] : Object.entries(init);
      this.#pairs = pairs.map(([name, value]) => [String(name), String(value)]);
    } else {
      this.#parse(String(init));
    }
  }

  static of(search, changed) {
    const params = new URLSearchParams(search);
    params.#changed = changed;
    return params;
  }

  static refresh(params, search) {
    params.#parse(search);
  }

  #parse(search) {
    const text = search.replace(/^\?/, '');
    this.#pairs = text.split('&').filter((part) => part !== '').map((part) => {
      const sign = part.indexOf('=');
      return sign < 0 ? [decode(part), ''] : [decode(part.slice(0, sign)), decode(part.slice(sign + 1))];
    });
  }

  get size() { return this.#pairs.length; }
  append(name, value) {
    this.#pairs.push([String(name), String(value)]);
    this.#changed();
  }
  delete(name, value) {
    this.#pairs = this.#pairs.filter(([n, v]) => n !== String(name) || (value !== undefined && v !== String(value)));
    this.#changed();
  }
  get(name) {
    const pair = this.#pairs.find(([n]) => n === String(name));
    return pair === undefined ? null : pair[1];
  }
  getAll(name) { return this.#pairs.filter(([n]) => n === String(name)).map(([, value]) => value); }
  has(name, value) {
    return this.#pairs.some(([n, v]) => n === String(name) && (value === undefined || v === String(value)));
  }
  set(name, value) {
    const first = this.#pairs.findIndex(([n]) => n === String(name));
    if (first < 0) {
      this.#pairs.push([String(name), String(value)]);
    } else {
      this.#pairs[first] = [String(name), String(value)];
      this.#pairs = this.#pairs.filter(([n], index) => n !== String(name) || index === first);
    }
    this.#changed();
  }
  sort() {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#changed();
  }
  forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
  *keys() { for (const [name] of this) yield name; }
  *values() { for (const [, value] of this) yield value; }
  *entries() { for (const pair of this.#pairs) yield [...pair]; }
  [Symbol.iterator]() { return this.entries(); }
  toString() { return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'); }
  get [Symbol.toStringTag]() { return 'URLSearchParams'; }
}

class URL {
  #parts;
  #params;

  constructor(url, base) {
    this.#parts = native.url(String(url), base === undefined ? undefined : String(base));
    if (this.#parts === undefined) {
      const error = new TypeError('Invalid URL');
      throw Object.assign(error, { code: 'ERR_INVALID_URL', input: String(url) });
    }
  }

  static canParse(url, base) {
    return native.url(String(url), base === undefined ? undefined : String(base)) !== undefined;
  }
  static parse(url, base) { return URL.canParse(url, base) ? new URL(url, base) : null; }
  static part(url, index) { return url.#parts[index]; }
  static change(url, part, value) {
    const parts = native.urlWith(url.#parts[0], part, String(value));
    if (parts === undefined) {
      if (part === 'href') throw new TypeError('Invalid URL');
      return;
    }
    url.#parts = parts;
    if (url.#params !== undefined && (part === 'search' || part === 'href')) URLSearchParams.refresh(url.#params, parts[9]);
  }

  get searchParams() {
    if (this.#params === undefined) {
      this.#params = URLSearchParams.of(this.#parts[9], () => {
        this.#parts = native.urlWith(this.#parts[0], 'search', this.#params.toString());
      });
    }
    return this.#params;
  }
  toString() { return this.#parts[0]; }
  toJSON() { return this.#parts[0]; }
  get [Symbol.toStringTag]() { return 'URL'; }
}

const { part: partOf, change } = URL;
PARTS.forEach((name, index) => {
  const set = name === 'origin' ? undefined : function set(value) { change(this, name, value); };
  Object.defineProperty(URL.prototype, name, {
    enumerable: true,
    configurable: true,
    get() { return partOf(this, index); },
    set,
  });
});

const withHost = (url) => {
  const parsed = typeof url === 'string' ? new URL(url) : url;
  if (parsed.protocol !== 'file:') throw new TypeError('The URL must be of scheme file');
  return parsed;
};

module.exports = {
  URL,
  URLSearchParams,
  fileURLToPath: (url) => decodeURIComponent(withHost(url).pathname),
  pathToFileURL: (path) => {
    const url = new URL('file:///');
    url.pathname = require('path').resolve(path).replace(/[%?#]/g, (c) => encodeURIComponent(c));
    return url;
  },
  format: (url) => (typeof url === 'string' ? url : url.href || String(url)),
  parse: (url) => {
    const parsed = URL.parse(url);
    if (parsed === null) return { href: url, protocol: null, host: null, pathname: url };
    const parts = Object.fromEntries(PARTS.map((name) => [name, parsed[name] || null]));
    return { ...parts, path: parsed.pathname + parsed.search, query: parsed.search.slice(1) || null };
  },
  resolve: (from, to) => new URL(to, new URL(from, 'http://resolve.invalid')).href.replace('http://resolve.invalid', ''),
};
