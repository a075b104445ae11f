// What the engine calls: modules, functions that are called from outside, answers that come from outside.
(function (native) {
  'use strict';

  // --- Modules -------------------------------------------------------------------------------------------------

  const ownModules = new Map();
  const files = new Map();

  function own(name) {
    let module = ownModules.get(name);
    if (module === undefined) {
      module = { exports: {} };
      ownModules.set(name, module);
      native.own(name)(module.exports, own, module, native);
    }
    return module.exports;
  }

  function Module(path, parent) {
    this.id = this.filename = path;
    this.path = path.slice(0, path.lastIndexOf('/')) || '/';
    this.exports = {};
    this.parent = parent;
    this.children = [];
    this.loaded = false;
    this.require = requireFrom(this);
  }

  function load(format, path, parent) {
    if (format === 'own') return own(path);
    if (format === 'module') return native.importNow(path);
    const known = files.get(path);
    if (known !== undefined) return known.exports;
    const module = new Module(path, parent);
    files.set(path, module);
    if (parent) parent.children.push(module);
    try {
      if (format === 'json') {
        module.exports = native.json(path);
      } else {
        const body = native.commonjs(path);
        body.call(module.exports, module.exports, module.require, module, path, module.path);
      }
    } catch (error) {
      files.delete(path);
      throw error;
    }
    module.loaded = true;
    return module.exports;
  }

  function found([module, reason]) {
    if (reason === undefined || reason === null) return module;
    throw Object.assign(new Error(reason), { code: 'MODULE_NOT_FOUND' });
  }

  function requireFrom(module) {
    function require(request) {
      if (typeof request !== 'string' || request === '') {
        throw new TypeError(`require takes the name of a module, not ${request === '' ? 'nothing' : typeof request}`);
      }
      const [format, path] = found(native.resolve(request, module.filename));
      return load(format, path, module);
    }
    require.resolve = (request) => found(native.resolve(request, module.filename))[1];
    require.cache = Object.create(null);
    require.main = module.parent ? module.parent.require && module.parent.require.main : module;
    return require;
  }

  const createRequire = (path) => requireFrom(new Module(path, null));

  // --- Timers --------------------------------------------------------------------------------------------------

  const timers = new Map();
  let lastTimer = 0;

  class Timeout {
    constructor(id) { this.id = id; }
    ref() { return this; }
    unref() { return this; }
    hasRef() { return timers.has(this.id); }
    [Symbol.toPrimitive]() { return this.id; }
  }

  function startTimer(callback, delay, args, repeat) {
    if (typeof callback !== 'function') throw new TypeError('a timer takes a function');
    const id = ++lastTimer;
    const wait = Number(delay) >= 1 ? Math.min(Number(delay), 2147483647) : 1;
    timers.set(id, { callback, args, wait: repeat ? wait : undefined });
    native.timer(id, wait);
    return new Timeout(id);
  }

  function clearTimer(timer) {
    const id = timer instanceof Timeout ? timer.id : Number(timer);
    if (timers.delete(id)) native.noTimer(id);
  }

  function fire(id) {
    const timer = timers.get(id);
    if (timer === undefined) return;
    if (timer.wait === undefined) timers.delete(id);
    else native.timer(id, timer.wait);
    timer.callback(...timer.args);
  }

  // --- What is asked of the outside ----------------------------------------------------------------------------

  const asked = new Map();
  let lastAsked = 0;

  // Gives a promise of the answer: `kind` is 'fetch', or the number of the call whose client is meant.
  function ask(kind, request) {
    return new Promise((resolve, reject) => {
      const id = ++lastAsked;
      asked.set(id, { resolve, reject });
      try {
        if (kind === 'fetch') native.askWeb(id, JSON.stringify(request));
        else native.askInstance(id, kind, JSON.stringify(request));
      } catch (error) {
        asked.delete(id);
        reject(error);
      }
    });
  }

  function answer(id, good, value, body) {
    const promise = asked.get(id);
    if (promise === undefined) return;
    asked.delete(id);
    if (good) promise.resolve(body === undefined ? value : Object.assign(value, { body }));
    else promise.reject(value);
  }

  native.ask_ = ask;
  native.timers_ = { startTimer, clearTimer };
  native.createRequire_ = createRequire;

  // --- Functions that are called from outside ------------------------------------------------------------------

  const functions = [];

  // A copy of a value as JSON has it, and the functions that it holds, by their place.
  function harvest(value) {
    const found = [];
    const above = new Set();
    function copy(value, place, holder) {
      if (typeof value === 'function') {
        found.push([place, functions.push({ callback: value, holder }) - 1]);
        return undefined;
      }
      if (typeof value === 'bigint') throw new TypeError(`${place} is a BigInt, which JSON does not have`);
      if (typeof value !== 'object' || value === null) return value;
      if (typeof value.toJSON === 'function') return value.toJSON();
      if (above.has(value)) throw new TypeError(`${place} refers to what it is part of`);
      above.add(value);
      const result = Array.isArray(value)
        ? value.map((item, index) => copy(item, `${place}[${index}]`, value))
        : Object.fromEntries(Object.keys(value).map((key) => [key, copy(value[key], place ? `${place}.${key}` : key, value)]));
      above.delete(value);
      return result;
    }
    return { value: copy(value, '', undefined), functions: found };
  }

  const isThenable = (value) => value !== null && typeof value === 'object' && typeof value.then === 'function';

  function settle(call, compute, finish) {
    const fail = (error) => native.failed(call, describe(error));
    const end = (value) => {
      try {
        native.finished(call, ...finish(value));
      } catch (error) {
        fail(error);
      }
    };
    try {
      const value = compute();
      if (isThenable(value)) Promise.resolve(value).then(end, fail);
      else end(value);
    } catch (error) {
      fail(error);
    }
  }

  function exported(all) {
    const value = all !== null && typeof all === 'object' && 'default' in all
      && (all.__esModule || all[Symbol.toStringTag] === 'Module') ? all.default : all;
    if (typeof value === 'function') {
      throw new TypeError('the file exports a function; a configuration is an object');
    }
    return value;
  }

  function loadFile(call, path) {
    const compute = () => {
      const [format, file] = found(native.locate(path));
      const value = format === 'module' ? native.importSoon(file) : load(format, file, null);
      return isThenable(value) ? value.then(exported) : exported(value);
    };
    settle(call, compute, (value) => [typeOf(value), JSON.stringify(harvest(value))]);
  }

  function callFunction(call, id, args, url) {
    const { callback, holder } = functions[id];
    const compute = () => {
      if (url !== undefined) args.push(own('lockstep:client').client(call, url));
      return callback.apply(holder, args);
    };
    settle(call, compute, (value) => {
      const type = typeOf(value);
      return [type, JSON.stringify(value)];
    });
  }

  // Has a function that stands in for `fetch` get an answer.
  function fetchBy(call, id, url, init, hasForm) {
    const form = hasForm ? call : undefined;
    settle(call, () => own('lockstep:fetch').fetchBy(functions[id].callback, url, init, form), ({ head, body }) => [
      'object', JSON.stringify(head), ...(typeof body === 'string' ? [body] : ['', body]),
    ]);
  }

  const typeOf = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

  // --- Errors --------------------------------------------------------------------------------------------------

  function describe(error, depth = 0) {
    if (error === null || typeof error !== 'object') {
      return JSON.stringify({ message: typeof error === 'string' ? error : `${String(error)} was thrown` });
    }
    const told = { name: '', message: '', stack: '' };
    try {
      if (typeof error.message === 'string') told.message = error.message;
      else if (Array.isArray(error.errors)) told.message = error.errors.map((e) => (e && e.message) || String(e)).join('; ');
      else told.message = `${own('util').inspect(error)} was thrown`;
      if (error.name !== undefined && error.message !== undefined) told.name = String(error.name);
      if (typeof error.stack === 'string') told.stack = error.stack;
      if (typeof error.code === 'string') told.code = error.code;
      if (error.cause !== undefined && depth < 4) told.cause = JSON.parse(describe(error.cause, depth + 1));
    } catch {
      told.message = told.message || 'something was thrown that cannot be shown';
    }
    return JSON.stringify(told);
  }

  own('lockstep:globals').install(globalThis);

  const ownNames = (name) => {
    const exports = own(name);
    return Object.keys(exports).filter((key) => key !== 'default' && /^[A-Za-z_$][\w$]*$/.test(key));
  };

  return {
    load: loadFile, call: callFunction, fetch: fetchBy, answer, fire, describe, own, ownNames,
    required: (format, path) => load(format, path, null),
  };
});
