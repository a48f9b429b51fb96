import { decodeProtectedHeader, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { mintToken } from "@/server/token";

const SECRET = "0123456789abcdef0123456789abcdef";
const key = (secret: string) => new TextEncoder().encode(secret);

test("a token carries exactly the claims that the backend verifies", async () => {
  const before = Math.floor(Date.now() / 1000);
  const token = await mintToken("user-1", SECRET);
  const { payload } = await jwtVerify(token, key(SECRET), {
    issuer: "todo-app",
    audience: "todo-api",
    algorithms: ["HS256"],
  });
  expect(Object.keys(payload).toSorted()).toEqual(["aud", "exp", "iat", "iss", "sub"]);
  expect(payload.sub).toBe("user-1");
  expect(payload.exp! - payload.iat!).toBe(15 * 60);
  expect(payload.iat!).toBeGreaterThanOrEqual(before);
  expect(decodeProtectedHeader(token)).toEqual({ alg: "HS256", typ: "JWT" });
});

test("another secret does not verify it", async () => {
  const token = await mintToken("user-1", SECRET);
  await expect(jwtVerify(token, key("x".repeat(32)))).rejects.toThrow(/signature/);
});
