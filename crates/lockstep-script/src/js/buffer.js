// `Buffer`, as far as configurations go, and base64.
const { TextDecoder, encode, bytesOf, latin } = require('lockstep:encoding');
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function toBase64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b, c] = [bytes[at], bytes[at + 1], bytes[at + 2]];
    text += DIGITS[a >> 2] + DIGITS[((a & 3) << 4) | ((b || 0) >> 4)];
    text += b === undefined ? '=' : DIGITS[((b & 15) << 2) | ((c || 0) >> 6)];
    text += c === undefined ? '=' : DIGITS[c & 63];
  }
  return text;
}

function fromBase64(text, strict) {
  const clean = text.replace(/[\s=]/g, '').replace(/-/g, '+').replace(/_/g, '/');
  const bytes = [];
  let [bits, count] = [0, 0];
  for (const digit of clean) {
    const value = DIGITS.indexOf(digit);
    if (value < 0) {
      if (strict) throw new DOMException('The string to be decoded is not correctly encoded.', 'InvalidCharacterError');
      continue;
    }
    bits = ((bits << 6) | value) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push((bits >> count) & 255);
    }
  }
  return Uint8Array.from(bytes);
}

const fromHex = (text) => {
  const pairs = /^(?:[0-9a-f]{2})*/i.exec(text)[0].match(/../g) || [];
  return Uint8Array.from(pairs.map((pair) => parseInt(pair, 16)));
};

function encoded(text, encoding = 'utf8') {
  switch (String(encoding).toLowerCase()) {
    case 'utf8': case 'utf-8': return encode(text);
    case 'base64': case 'base64url': return fromBase64(text, false);
    case 'hex': return fromHex(text);
    case 'latin1': case 'binary': case 'ascii': return Uint8Array.from(text, (c) => c.charCodeAt(0) & 255);
    default: throw new TypeError(`Unknown encoding: ${encoding}`);
  }
}

class Buffer extends Uint8Array {
  static from(value, encodingOrOffset, length) {
    if (typeof value === 'string') return Buffer.from(encoded(value, encodingOrOffset));
    if (value instanceof ArrayBuffer) return new Buffer(value, encodingOrOffset, length);
    const source = Array.isArray(value) || ArrayBuffer.isView(value) ? value : value.data || [];
    const result = new Buffer(source.length);
    result.set(source);
    return result;
  }
  static alloc(size, fill = 0) { return new Buffer(size).fill(fill); }
  static allocUnsafe(size) { return new Buffer(size); }
  static isBuffer(value) { return value instanceof Buffer; }
  static isEncoding(name) { return ['utf8', 'utf-8', 'base64', 'base64url', 'hex', 'latin1', 'binary', 'ascii'].includes(String(name).toLowerCase()); }
  static byteLength(value, encoding) { return typeof value === 'string' ? encoded(value, encoding).length : value.byteLength; }
  static concat(parts, size = parts.reduce((sum, part) => sum + part.length, 0)) {
    const result = Buffer.alloc(size);
    let at = 0;
    for (const part of parts) {
      result.set(part.subarray(0, size - at), at);
      at += part.length;
      if (at >= size) break;
    }
    return result;
  }
  toString(encoding = 'utf8', start = 0, end = this.length) {
    const bytes = this.subarray(start, end);
    switch (String(encoding).toLowerCase()) {
      case 'utf8': case 'utf-8': return new TextDecoder().decode(bytes);
      case 'base64': return toBase64(bytes);
      case 'base64url': return toBase64(bytes).replace(/=/g, '').replace(/\+/g, '-').replace(/\//g, '_');
      case 'hex': return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
      case 'latin1': case 'binary': case 'ascii': return latin(bytes);
      default: throw new TypeError(`Unknown encoding: ${encoding}`);
    }
  }
  equals(other) { return this.length === other.length && this.every((byte, index) => byte === other[index]); }
  toJSON() { return { type: 'Buffer', data: [...this] }; }
}

module.exports = {
  Buffer,
  atob: (text) => latin(fromBase64(String(text), true)),
  btoa: (text) => {
    const bytes = Array.from(String(text), (character) => character.charCodeAt(0));
    if (bytes.some((byte) => byte > 255)) {
      throw new DOMException('The string to be encoded contains characters outside of the Latin1 range.', 'InvalidCharacterError');
    }
    return toBase64(bytes);
  },
  bytesOf,
};
