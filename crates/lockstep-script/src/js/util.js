// `util`: how values are shown, and a few things that packages expect.
const WIDTH = 76;
const identifier = /^[A-Za-z_$][\w$]*$/;

const quoted = (text) => {
  const quote = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes('`') ? '`' : "'";
  const inner = JSON.stringify(text).slice(1, -1).replace(/\\"/g, '"');
  return quote + (quote === "'" ? inner.replace(/'/g, "\\'") : inner) + quote;
};

function leaf(value) {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  return String(value);
}

function nameOf(value) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return '[Object: null prototype]';
  const constructor = prototype.constructor;
  return typeof constructor === 'function' && constructor.name ? constructor.name : 'Object';
}

function inspect(value, options) {
  const limits = typeof options === 'object' && options !== null ? options : {};
  const most = limits.depth === null ? Infinity : limits.depth === undefined ? 2 : limits.depth;
  return shown(value, { ...limits, most }, 0, []);
}

function shown(value, options, level, above) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return leaf(value);
  if (above.includes(value)) return '[Circular *1]';
  const custom = value[inspect.custom];
  if (typeof custom === 'function') {
    const result = custom.call(value, options.most - level, options, inspect);
    return typeof result === 'string' ? result : shown(result, options, level, above);
  }
  if (value instanceof Error) return errorText(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Promise) return 'Promise { <pending> }';
  const [name, open, close, items] = parts(value);
  if (typeof value === 'function' && items.length === 0) return name;
  if (level > options.most) return Array.isArray(value) ? '[Array]' : `[${nameOf(value)}]`;
  const inner = items.map((item) => item((v) => shown(v, options, level + 1, [...above, value])));
  const prefix = name === '' ? '' : `${name} `;
  if (inner.length === 0) return `${prefix}${open}${close}`;
  return prefix + joined(inner, open, close);
}

function joined(items, open, close) {
  const length = items.reduce((sum, item) => sum + item.length + 2, 0);
  const short = length <= WIDTH && items.every((item) => !item.includes('\n'));
  if (short) return open === '[' ? `[ ${items.join(', ')} ]` : `{ ${items.join(', ')} }`;
  return `${open}\n${items.map((item) => `  ${item.replace(/\n/g, '\n  ')}`).join(',\n')}\n${close}`;
}

function parts(value) {
  const pairs = Object.keys(value).map((key) => (show) => `${identifier.test(key) ? key : quoted(key)}: ${show(value[key])}`);
  if (Array.isArray(value)) {
    const items = value.slice(0, 100).map((item) => (show) => show(item));
    if (value.length > 100) items.push(() => `... ${value.length - 100} more items`);
    return ['', '[', ']', items];
  }
  if (typeof value === 'function') {
    const kind = String(value).startsWith('class') ? 'class' : 'Function';
    return [kind === 'class' ? `[class ${value.name || '(anonymous)'}]` : `[Function${value.name ? `: ${value.name}` : ' (anonymous)'}]`, '{', '}', pairs];
  }
  if (value instanceof Map) {
    return [`Map(${value.size})`, '{', '}', [...value].map(([k, v]) => (show) => `${show(k)} => ${show(v)}`)];
  }
  if (value instanceof Set) return [`Set(${value.size})`, '{', '}', [...value].map((v) => (show) => show(v))];
  if (ArrayBuffer.isView(value) && value.length !== undefined) {
    return [`${nameOf(value)}(${value.length})`, '[', ']', [...value.slice(0, 100)].map((v) => () => String(v))];
  }
  const name = nameOf(value);
  return [name === 'Object' ? '' : name, '{', '}', pairs];
}

function errorText(error) {
  const title = `${error.name}: ${error.message}`;
  const stack = typeof error.stack === 'string' ? error.stack : '';
  const frames = stack.split('\n').filter((line) => line.trim().startsWith('at ') && !line.includes('lockstep:'));
  const text = frames.length === 0 ? `[${title}]` : [title, ...frames].join('\n');
  return error.cause === undefined ? text : `${text}\n  [cause]: ${inspect(error.cause)}`;
}

inspect.custom = Symbol.for('nodejs.util.inspect.custom');
inspect.defaultOptions = { depth: 2 };

function formatWithOptions(options, ...args) {
  if (typeof args[0] !== 'string') return args.map((arg) => (typeof arg === 'string' ? arg : inspect(arg, options))).join(' ');
  let next = 1;
  const text = args[0].replace(/%[sdifjoOc%]/g, (mark) => {
    if (mark === '%%') return args.length === 1 ? mark : '%';
    if (next >= args.length) return mark;
    const arg = args[next];
    next += 1;
    switch (mark) {
      case '%s': return typeof arg === 'object' && arg !== null ? inspect(arg, { depth: 0 }) : String(arg);
      case '%d': return typeof arg === 'bigint' ? `${arg}n` : String(Number(arg));
      case '%i': return String(parseInt(arg, 10));
      case '%f': return String(parseFloat(arg));
      case '%j': return JSON.stringify(arg);
      case '%c': return '';
      default: return inspect(arg, options);
    }
  });
  return [text, ...args.slice(next).map((arg) => (typeof arg === 'string' ? arg : inspect(arg, options)))].join(' ');
}

function promisify(original) {
  if (typeof original !== 'function') throw new TypeError('promisify takes a function');
  if (original[promisify.custom]) return original[promisify.custom];
  return function promised(...args) {
    return new Promise((resolve, reject) => {
      original.call(this, ...args, (error, value) => (error ? reject(error) : resolve(value)));
    });
  };
}
promisify.custom = Symbol.for('nodejs.util.promisify.custom');

function isDeepStrictEqual(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof RegExp) return String(a) === String(b);
  if (a instanceof Map || a instanceof Set) {
    return a.size === b.size && isDeepStrictEqual([...a], [...b]);
  }
  const [left, right] = [Object.keys(a), Object.keys(b)];
  return left.length === right.length
    && left.every((key) => Object.prototype.hasOwnProperty.call(b, key) && isDeepStrictEqual(a[key], b[key]));
}

const is = (type) => (value) => Object.prototype.toString.call(value) === `[object ${type}]`;

module.exports = {
  inspect,
  format: (...args) => formatWithOptions({}, ...args),
  formatWithOptions,
  promisify,
  callbackify: (original) => (...args) => {
    const callback = args.pop();
    original(...args).then((value) => callback(null, value), callback);
  },
  isDeepStrictEqual,
  inherits: (constructor, parent) => Object.setPrototypeOf(constructor.prototype, parent.prototype),
  deprecate: (original) => original,
  debuglog: () => () => {},
  stripVTControlCharacters: (text) => String(text).replace(/\u001b\[[0-9;]*[A-Za-z]/g, ''),
  isArray: Array.isArray,
  types: {
    isDate: (value) => value instanceof Date,
    isRegExp: (value) => value instanceof RegExp,
    isPromise: (value) => value instanceof Promise,
    isMap: (value) => value instanceof Map,
    isSet: (value) => value instanceof Set,
    isNativeError: (value) => value instanceof Error,
    isAsyncFunction: is('AsyncFunction'),
    isGeneratorFunction: is('GeneratorFunction'),
    isTypedArray: (value) => ArrayBuffer.isView(value) && !(value instanceof DataView),
    isUint8Array: (value) => value instanceof Uint8Array,
  },
  get TextEncoder() { return globalThis.TextEncoder; },
  get TextDecoder() { return globalThis.TextDecoder; },
};
