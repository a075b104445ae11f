// Assertions.
const { inspect, isDeepStrictEqual } = require('util');

class AssertionError extends Error {
  constructor(message, actual, expected) {
    super(message);
    Object.assign(this, { name: 'AssertionError', code: 'ERR_ASSERTION', actual, expected });
  }
}

const check = (good, message, actual, expected, otherwise) => {
  if (good) return;
  if (message instanceof Error) throw message;
  throw new AssertionError(message || otherwise(), actual, expected);
};
const pair = (a, sign, b) => () => `${inspect(a)} ${sign} ${inspect(b)}`;

const assert = (value, message) => check(value, message, value, true, () => 'The expression evaluated to a falsy value');
Object.assign(assert, {
  AssertionError,
  ok: assert,
  equal: (a, b, message) => check(Object.is(a, b), message, a, b, pair(a, '!==', b)),
  notEqual: (a, b, message) => check(!Object.is(a, b), message, a, b, pair(a, '===', b)),
  deepEqual: (a, b, message) => check(isDeepStrictEqual(a, b), message, a, b, pair(a, 'is not deeply equal to', b)),
  notDeepEqual: (a, b, message) => check(!isDeepStrictEqual(a, b), message, a, b, pair(a, 'is deeply equal to', b)),
  fail: (message = 'Failed') => check(false, message),
  throws: (callback, message) => {
    let threw = false;
    try { callback(); } catch { threw = true; }
    check(threw, typeof message === 'string' ? message : undefined, undefined, undefined, () => 'Missing expected exception.');
  },
});
assert.strictEqual = assert.equal;
assert.notStrictEqual = assert.notEqual;
assert.deepStrictEqual = assert.deepEqual;
assert.notDeepStrictEqual = assert.notDeepEqual;
assert.strict = assert;
module.exports = assert;
