// The globals of Node that configurations use; the larger ones are made when they are first looked at.
const { startTimer, clearTimer } = native.timers_;

const plain = {
  setTimeout: (callback, delay, ...args) => startTimer(callback, delay, args, false),
  setInterval: (callback, delay, ...args) => startTimer(callback, delay, args, true),
  setImmediate: (callback, ...args) => startTimer(callback, 0, args, false),
  clearTimeout: clearTimer,
  clearInterval: clearTimer,
  clearImmediate: clearTimer,
  structuredClone: (value) => require('lockstep:clone').clone(value),
  queueMicrotask: (callback) => {
    if (typeof callback !== 'function') throw new TypeError('queueMicrotask takes a function');
    Promise.resolve().then(callback);
  },
};

const later = {
  console: 'console',
  process: 'process',
  URL: 'url.URL',
  URLSearchParams: 'url.URLSearchParams',
  Buffer: 'buffer.Buffer',
  atob: 'buffer.atob',
  btoa: 'buffer.btoa',
  TextEncoder: 'lockstep:encoding.TextEncoder',
  TextDecoder: 'lockstep:encoding.TextDecoder',
  fetch: 'lockstep:fetch.fetch',
  Headers: 'lockstep:fetch.Headers',
  Request: 'lockstep:fetch.Request',
  Response: 'lockstep:fetch.Response',
  FormData: 'lockstep:fetch.FormData',
  AbortController: 'lockstep:abort.AbortController',
  AbortSignal: 'lockstep:abort.AbortSignal',
  Event: 'lockstep:abort.Event',
  EventTarget: 'lockstep:abort.EventTarget',
  crypto: 'crypto.webcrypto',
};

function define(target, name, value) {
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
}

exports.install = function install(target) {
  define(target, 'global', target);
  for (const name of Object.keys(plain)) define(target, name, plain[name]);
  for (const name of Object.keys(later)) {
    const [module, member] = later[name].split('.');
    Object.defineProperty(target, name, {
      configurable: true,
      enumerable: false,
      get() {
        const exports = require(module);
        const value = member === undefined ? exports : exports[member];
        define(target, name, value);
        return value;
      },
      set(value) {
        define(target, name, value);
      },
    });
  }
};
