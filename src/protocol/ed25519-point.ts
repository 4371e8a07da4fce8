/**
 * Whether 32 bytes are a public key of Ed25519 worth having (RFC 8032 §5.1.3).
 *
 * OpenSSL takes any 32 bytes and only finds out when it verifies; and for the few points of small
 * order a signature can be made without a private key. Runs when a key set changes, so plain big
 * integers will do: nothing here is secret and nothing is hot.
 */

const FIELD_PRIME = 2n ** 255n - 19n
const CURVE_D = modulo(-121_665n * power(121_666n, FIELD_PRIME - 2n))
const SIGN_BIT = 1n << 255n

/**
 * Hardly any valid point doubles to the neutral element in three steps: only those whose order
 * divides 8. All of them are refused, and so is every encoding that is not canonical.
 *
 * @param encoded 32 bytes, little endian.
 */
export function isUsableEd25519Point(encoded: Uint8Array): boolean {
  const bits = BigInt(`0x${Buffer.from(encoded).reverse().toString('hex')}`)
  const y = bits & (SIGN_BIT - 1n)
  if (y >= FIELD_PRIME) return false
  // Euler's criterion on u·v instead of u/v: both are squares or neither is.
  const numerator = modulo(y * y - 1n)
  const denominator = modulo(CURVE_D * y * y + 1n)
  const isSquare = power(modulo(numerator * denominator), (FIELD_PRIME - 1n) / 2n) === 1n
  return isSquare && !hasSmallOrder(y)
}

function hasSmallOrder(pointY: bigint): boolean {
  let y = pointY
  for (let doubling = 0; doubling < 3; doubling += 1) {
    y = doubledY(y)
  }
  return y === 1n
}

/** The y of 2P from the y of P alone: the doubling formula needs only x², which y determines. */
function doubledY(y: bigint): bigint {
  const ySquared = modulo(y * y)
  const xSquared = divide(ySquared - 1n, CURVE_D * ySquared + 1n)
  return divide(ySquared + xSquared, 2n - ySquared + xSquared)
}

function divide(numerator: bigint, denominator: bigint): bigint {
  return modulo(numerator * power(modulo(denominator), FIELD_PRIME - 2n))
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % FIELD_PRIME
    square = (square * square) % FIELD_PRIME
  }
  return result
}

function modulo(value: bigint): bigint {
  const rest = value % FIELD_PRIME
  return rest < 0n ? rest + FIELD_PRIME : rest
}
