/** The tokens that the backend accepts: HS256, signed with the secret that both sides share. */

import { SignJWT } from "jose";

export const TOKEN_ISSUER = "todo-app";
export const TOKEN_AUDIENCE = "todo-api";
export const TOKEN_LIFETIME_SECONDS = 15 * 60;

/** A token for one user that is valid for 15 minutes. */
export async function mintToken(userId: string, secret: string): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(userId)
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(`${TOKEN_LIFETIME_SECONDS}s`)
    .sign(new TextEncoder().encode(secret));
}
