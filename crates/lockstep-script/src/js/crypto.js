// Randomness; hashes and ciphers are not there.
function getRandomValues(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  bytes.set(native.random(bytes.length));
  return array;
}

function randomUUID() {
  const bytes = native.random(16);
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const missing = (name) => () => {
  throw new Error(`crypto.${name} is not available: of crypto there is randomUUID, getRandomValues, randomBytes and randomInt`);
};

module.exports = {
  randomUUID,
  getRandomValues,
  randomBytes: (size) => require('buffer').Buffer.from(native.random(size)),
  randomInt: (low, high) => {
    const [from, to] = high === undefined ? [0, low] : [low, high];
    return from + Math.floor(Math.random() * (to - from));
  },
  webcrypto: { randomUUID, getRandomValues },
};
for (const name of ['createHash', 'createHmac', 'createCipheriv', 'createDecipheriv', 'createSign', 'createVerify', 'pbkdf2', 'pbkdf2Sync', 'scrypt', 'scryptSync', 'timingSafeEqual']) {
  module.exports[name] = missing(name);
}
